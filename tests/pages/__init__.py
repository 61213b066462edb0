"""The page modules that decide without a browser, run by Node's own test runner."""

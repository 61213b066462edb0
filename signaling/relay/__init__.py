"""The media relay: ICE-lite, DTLS-SRTP and packet forwarding on one UDP port."""

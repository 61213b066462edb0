"""The longer statements of `scheduling.claims`, one set per engine.

Every change of claims raises the version on the resource; those that only add say there what they
add (`scheduling.added`).
"""

from __future__ import annotations

from scheduling import added

_KEPT = added.KEPT * added.WIDTH
_STILL_TRUE = "CASE WHEN added_version = claims_version THEN added_claims ELSE '' END"

# Each part waits for the one before it: our turn on the resources in order of their ids, what is
# swept of their claims, and ours. Where none of the parts needs it, `along` comes when it likes.
TOGETHER = f"""
WITH turn AS (
  SELECT id FROM resource WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
), raised AS (
  UPDATE resource SET claims_version = claims_version + octet_length(added.claims) / {added.WIDTH},
    added_version = claims_version + octet_length(added.claims) / {added.WIDTH},
    added_claims = right({_STILL_TRUE} || added.claims, {_KEPT})
  FROM turn JOIN unnest($1::bigint[], $2::text[]) AS added (id, claims) ON added.id = turn.id
  WHERE resource.id = turn.id RETURNING resource.id
), swept AS (
  DELETE FROM claim
  USING raised, json_populate_recordset(NULL::claim, $3) AS wanted
  WHERE claim.resource_id = raised.id AND wanted.resource_id = raised.id
    AND claim.starts_at < wanted.ends_at AND claim.ends_at > wanted.starts_at
    AND claim.starts_at > wanted.starts_at - interval '1 day' AND claim.expires_at <= $4
  RETURNING claim.id
){{along}}
INSERT INTO claim
  (resource_id, starts_at, ends_at, appointment_id, hold_id, session_id, expires_at)
SELECT resource_id, starts_at, ends_at, appointment_id, hold_id, session_id, expires_at
FROM json_populate_recordset(NULL::claim, $3)
WHERE (SELECT count(*) FROM raised) + (SELECT count(*) FROM swept) > 0
"""  # noqa: S608  (only numbers of ours)
ADD_ALL = f"""
UPDATE resource SET claims_version = claims_version + length(added.value) / {added.WIDTH},
  added_version = claims_version + length(added.value) / {added.WIDTH},
  added_claims = substr({_STILL_TRUE} || added.value, -{_KEPT})
FROM json_each(?) AS added WHERE resource.id = CAST(added.key AS INTEGER)
"""  # noqa: S608  (only numbers of ours)
SWEEP_ONE = """
DELETE FROM claim
WHERE resource_id = ? AND starts_at < ? AND ends_at > ? AND expires_at <= ?
"""
HAND_OVER = f"""
WITH turn AS (
  SELECT id FROM resource WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
), raised AS (
  UPDATE resource SET claims_version = claims_version + 1, added_version = claims_version + 1,
    added_claims = right({_STILL_TRUE} || added.claims, {_KEPT})
  FROM turn JOIN (
    SELECT resource_id, {added.SPELLED} AS claims FROM claim WHERE hold_id = $2
  ) AS added ON added.resource_id = turn.id
  WHERE resource.id = turn.id RETURNING resource.id
), kept AS (
  UPDATE claim SET hold_id = NULL, expires_at = NULL, appointment_id = $3
  FROM raised WHERE claim.resource_id = raised.id AND claim.hold_id = $2 RETURNING claim.id
), confirmed AS (
  UPDATE hold SET appointment_id = $3 WHERE id = $2
){{along}}
SELECT id FROM kept
"""  # noqa: S608  (only numbers of ours)
ADD_HELD = f"""
UPDATE resource SET claims_version = claims_version + 1, added_version = claims_version + 1,
  added_claims = substr({_STILL_TRUE} || {added.SPELLED_ON_SQLITE}, -{_KEPT})
FROM claim WHERE resource.id = claim.resource_id AND hold_id = ?
"""  # noqa: S608  (only numbers of ours)
HAND_OVER_ALL = """
UPDATE claim SET hold_id = NULL, expires_at = NULL, appointment_id = ? WHERE hold_id = ?
"""
CONFIRM = "UPDATE hold SET appointment_id = ? WHERE id = ?"

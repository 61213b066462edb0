"""What of the plan differs from what a process knows already, asked in one statement.

Whoever asks names sites and resources with the versions that are known (`scheduling.memory`).
The database answers with what has another version by now, and with nothing where all is as
before. So a first question and a repeated one are one statement alike, however many there are,
and everything in the answer is of the same moment.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, String, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import added
from scheduling.grid import TICK_SECONDS, Horizon
from scheduling.model import Kind
from scheduling.schema import Instant

UNKNOWN = -1
"""The version of what is not known. Stored ones begin with 0, and rise with every claim that is
added: so no resource keeps as many of them as this one is behind."""

_DAY = dt.timedelta(days=1)

# A row tells of a site (without resource_id) or of a resource. What describes either is JSON,
# and left out for resources of a site that is known: only their claims have changed. Claims are
# left out where they are known or nobody asks for them; no claims at all are an empty text.
#
# No claim is longer than a day, so starts from the day before the horizon narrow the scan from
# both sides. All claims of a resource come as one value: a row for each would cost more, to send
# and to unpack, than everything else that a search does. Holds stay apart, since they expire.

# Instants travel as PostgreSQL holds them, eight bytes each; spelling them out would take it
# several times as long as finding them.
_POSTGRESQL_WORDS = f"""
WITH asked AS (
  SELECT site.id, site.version <> known.version AS changed
  FROM unnest(:sites, :site_versions) AS known (id, version)
  JOIN site ON site.id = known.id
), absence AS MATERIALIZED (
  SELECT coalesce(closure.site_id, resource.site_id) AS site_id, closure.resource_id,
    CAST(json_agg(json_build_array(CAST(extract(epoch FROM starts_at) AS bigint),
      CAST(extract(epoch FROM ends_at) AS bigint), closure.ways)) AS text) AS closures
  FROM closure LEFT JOIN resource ON resource.id = closure.resource_id
  WHERE ends_at > :since
    AND coalesce(closure.site_id, resource.site_id) IN (SELECT id FROM asked WHERE changed)
  GROUP BY 1, 2
)
SELECT site.id AS site_id, CAST(NULL AS bigint) AS resource_id, site.version,
  CAST(json_build_array(site.key, site.name, site.address, site.phone, site.state,
    site.urgent_opens_minute, site.release_shares) AS text) AS described,
  CAST(site.opening AS text) AS hours,
  (SELECT closures FROM absence WHERE absence.site_id = site.id AND resource_id IS NULL)
    AS closures,
  CAST(NULL AS text) AS added, CAST(NULL AS bytea) AS claims, CAST(NULL AS bytea) AS holds
FROM asked JOIN site ON site.id = asked.id AND asked.changed
UNION ALL
SELECT asked.id, resource.id, resource.claims_version,
  CASE WHEN asked.changed THEN CAST(json_build_array(kind, name, team_id, setup_minutes,
    return_minutes, features, skills, languages, ways) AS text) END,
  CASE WHEN asked.changed THEN (
    SELECT CAST(json_agg(json_build_array(weekday, starts_minute, ends_minute, valid_from,
      valid_until, every_weeks, working_pattern.ways, release)) AS text)
    FROM working_pattern WHERE resource_id = resource.id) END,
  CASE WHEN asked.changed THEN (
    SELECT closures FROM absence WHERE absence.resource_id = resource.id) END,
  CASE WHEN behind BETWEEN 1 AND kept THEN right(added_claims, behind * {added.WIDTH}) END,
  CASE WHEN read.anew THEN coalesce(taken.claims, '') END,
  taken.holds
FROM asked
JOIN resource ON resource.site_id = asked.id AND resource.active
LEFT JOIN unnest(:resources, :claims_versions) AS known (id, version) ON known.id = resource.id
CROSS JOIN LATERAL (SELECT CAST(claims_version - known.version AS integer) AS behind,
  CASE WHEN added_version = claims_version THEN octet_length(added_claims) / {added.WIDTH}
    ELSE 0 END AS kept) AS step
CROSS JOIN LATERAL (SELECT coalesce(behind NOT BETWEEN 0 AND kept,
  asked.changed AND kind = ANY(:kinds)) AS anew) AS read
CROSS JOIN LATERAL (
  SELECT
    string_agg(timestamptz_send(starts_at) || timestamptz_send(ends_at), CAST('' AS bytea))
      FILTER (WHERE expires_at IS NULL) AS claims,
    string_agg(timestamptz_send(starts_at) || timestamptz_send(ends_at)
      || timestamptz_send(expires_at), CAST('' AS bytea))
      FILTER (WHERE expires_at IS NOT NULL) AS holds
  FROM claim
  WHERE read.anew AND resource_id = resource.id AND starts_at >= :before AND starts_at < :until
) AS taken
WHERE asked.changed OR read.anew OR behind > 0
"""  # noqa: S608  (only numbers of ours)

# A claim is one number: its first tick times 512, and how many ticks it lasts, at most 300.
# Holds are beside them in the same value.
_SQLITE_WORDS = f"""
WITH asked AS MATERIALIZED (
  SELECT site.id, site.version <> known.value AS changed
  FROM json_each(:sites) AS known JOIN site ON site.id = CAST(known.key AS INTEGER)
), known AS MATERIALIZED (
  SELECT CAST(key AS INTEGER) AS id, value AS version FROM json_each(:resources)
), absence AS MATERIALIZED (
  SELECT coalesce(closure.site_id, resource.site_id) AS site_id, closure.resource_id,
    json_group_array(json_array(starts_at, ends_at, json(closure.ways))) AS closures
  FROM closure LEFT JOIN resource ON resource.id = closure.resource_id
  WHERE ends_at > :since
    AND coalesce(closure.site_id, resource.site_id) IN (SELECT id FROM asked WHERE changed)
  GROUP BY 1, 2
)
SELECT site.id AS site_id, NULL AS resource_id, site.version,
  json_array(site.key, site.name, site.address, site.phone, site.state,
    site.urgent_opens_minute, json(site.release_shares)) AS described,
  site.opening AS hours,
  (SELECT closures FROM absence WHERE absence.site_id = site.id AND resource_id IS NULL)
    AS closures,
  NULL AS added, NULL AS claims, NULL AS holds
FROM asked JOIN site ON site.id = asked.id AND asked.changed
UNION ALL
SELECT one.site_id, one.id, one.claims_version,
  CASE WHEN one.changed THEN json_array(kind, name, team_id, setup_minutes, return_minutes,
    json(features), json(skills), json(languages), json(ways)) END,
  CASE WHEN one.changed THEN (
    SELECT json_group_array(json_array(weekday, starts_minute, ends_minute, valid_from,
      valid_until, every_weeks, json(working_pattern.ways), release))
    FROM working_pattern WHERE resource_id = one.id) END,
  CASE WHEN one.changed THEN (
    SELECT closures FROM absence WHERE absence.resource_id = one.id) END,
  CASE WHEN one.behind BETWEEN 1 AND one.kept
    THEN substr(added_claims, -one.behind * {added.WIDTH}) END,
  CASE WHEN one.anew THEN (
    SELECT '[' || json_group_array(
        (starts_at - :before) / :tick * 512 + (ends_at - starts_at) / :tick)
        FILTER (WHERE expires_at IS NULL) || ',' || json_group_array(
        json_array(starts_at, ends_at, expires_at)) FILTER (WHERE expires_at IS NOT NULL) || ']'
    FROM claim
    WHERE resource_id = one.id AND starts_at >= :before AND starts_at < :until) END,
  NULL
FROM (
  SELECT step.*, coalesce(behind NOT BETWEEN 0 AND kept,
    changed AND kind IN (SELECT value FROM json_each(:kinds))) AS anew
  FROM (
    SELECT resource.*, asked.changed, claims_version - known.version AS behind,
      CASE WHEN added_version = claims_version THEN length(added_claims) / {added.WIDTH}
        ELSE 0 END AS kept
    FROM asked
    JOIN resource ON resource.site_id = asked.id AND resource.active
    LEFT JOIN known ON known.id = resource.id
  ) AS step
) AS one
WHERE one.changed OR one.anew OR one.behind > 0
"""  # noqa: S608  (only numbers of ours)


@dataclass(frozen=True, slots=True)
class Known:
    """Versions by id: of sites, and of the claims on those resources that are asked for.

    Of a site that has changed, or was not known, the claims on resources of those `kinds` are
    told as well, since nobody can know beforehand which resources it has.
    """

    sites: Mapping[int, int]
    claims: Mapping[int, int]
    kinds: Collection[Kind]


async def rows(
    tx: AsyncConnection, known: Known, horizon: Horizon, now: dt.datetime
) -> Sequence[Any]:
    """Return a row for each site and resource of the known sites that is another one by now.

    Closures that were over a day before `now` are left out.
    """
    asked: dict[str, Any] = {
        "before": horizon.start - _DAY,
        "until": horizon.end,
        # Yesterday's are told: a remembered house must serve the whole of today.
        "since": now - _DAY,
    }
    if tx.dialect.name == "sqlite":
        asked |= {
            "sites": json.dumps(known.sites), "resources": json.dumps(known.claims),
            "kinds": json.dumps([*known.kinds]), "tick": TICK_SECONDS,
        }  # fmt: skip
        return (await tx.execute(_SQLITE, asked)).all()
    asked |= {
        "sites": [*known.sites], "site_versions": [*known.sites.values()],
        "resources": [*known.claims], "claims_versions": [*known.claims.values()],
        "kinds": [*known.kinds],
    }  # fmt: skip
    return (await tx.execute(_POSTGRESQL, asked)).all()


def _statement(words: str, *others: BindParameter[Any]) -> TextClause:
    instants = [bindparam(name, type_=Instant) for name in ("before", "until", "since")]
    return text(words).bindparams(*instants, *others)


_SQLITE = _statement(_SQLITE_WORDS)
_POSTGRESQL = _statement(
    _POSTGRESQL_WORDS,
    *(
        bindparam(name, type_=ARRAY(BigInteger))
        for name in ("sites", "site_versions", "resources", "claims_versions")
    ),
    bindparam("kinds", type_=ARRAY(String)),
)

"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scheduling.schema import Id, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


OVERLAP = {
    "postgresql": (
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        (
            "ALTER TABLE claim ADD CONSTRAINT ex_claim_no_overlap EXCLUDE USING gist "
            "(resource_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&)"
        ),
    ),
    "sqlite": (
        (
            "CREATE TRIGGER claim_no_overlap_insert BEFORE INSERT ON claim WHEN ( SELECT "
            "ends_at FROM claim WHERE resource_id = NEW.resource_id AND starts_at < "
            "NEW.ends_at ORDER BY starts_at DESC LIMIT 1 ) > NEW.starts_at BEGIN SELECT "
            "RAISE(ABORT, 'claim_no_overlap'); END"
        ),
        (
            "CREATE TRIGGER claim_no_overlap_update BEFORE UPDATE ON claim WHEN ( SELECT "
            "ends_at FROM claim WHERE resource_id = NEW.resource_id AND starts_at < "
            "NEW.ends_at AND id <> NEW.id ORDER BY starts_at DESC LIMIT 1 ) > NEW.starts_at "
            "BEGIN SELECT RAISE(ABORT, 'claim_no_overlap'); END"
        ),
    ),
}
"""What refuses two claims on one resource at one time, by engine; Alembic cannot see it."""


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_next_attempt_at", "outbox", ["next_attempt_at"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=2), nullable=False),
        sa.Column("opening", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("urgent_opens_minute", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("key", name=op.f("uq_site_key")),
    )
    op.create_table(
        "topic",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("official_name", sa.JSON(), nullable=False),
        sa.Column("explanation", sa.JSON(), nullable=False),
        sa.Column("bring", sa.JSON(), nullable=False),
        sa.Column("skill", sa.String(length=40), nullable=False),
        sa.Column("audience", sa.String(length=12), server_default="public", nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("key", name=op.f("uq_topic_key")),
    )
    op.create_table(
        "team",
        sa.Column("id", Id, nullable=False),
        sa.Column("site_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_team_site_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_team_site_id")),
    )
    op.create_table(
        "topic_way",
        sa.Column("id", Id, nullable=False),
        sa.Column("topic_id", Id, nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("buffer_minutes", sa.Integer(), nullable=False),
        sa.Column("notice_minutes", sa.Integer(), nullable=False),
        sa.Column("earliest_day", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "buffer_minutes >= 0 AND buffer_minutes % 5 = 0", name=op.f("ck_topic_way_buffer")
        ),
        sa.CheckConstraint("minutes + buffer_minutes <= 1440", name=op.f("ck_topic_way_one_day")),
        sa.CheckConstraint("minutes > 0 AND minutes % 5 = 0", name=op.f("ck_topic_way_minutes")),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["topic.id"], name=op.f("fk_topic_way_topic_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_way")),
        sa.UniqueConstraint("topic_id", "way", name=op.f("uq_topic_way_topic_id")),
    )
    op.create_table(
        "resource",
        sa.Column("id", Id, nullable=False),
        sa.Column("site_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("team_id", Id, nullable=True),
        sa.Column("ways", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("setup_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("return_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claims_version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "setup_minutes % 5 = 0 AND return_minutes % 5 = 0", name=op.f("ck_resource_on_grid")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_resource_site_id")),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_resource_team_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("site_id", "kind", "name", name=op.f("uq_resource_site_id")),
    )
    op.create_table(
        "appointment",
        sa.Column("id", Id, nullable=False),
        sa.Column("uid", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=12), nullable=False),
        sa.Column("topic_id", Id, nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("site_id", Id, nullable=False),
        sa.Column("caseworker_id", Id, nullable=False),
        sa.Column("room_id", Id, nullable=True),
        sa.Column("device_id", Id, nullable=True),
        sa.Column("interpreter_id", Id, nullable=True),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("step_free", sa.Boolean(), nullable=False),
        sa.Column("interpreter", sa.String(length=8), nullable=False),
        sa.Column("companion", sa.Boolean(), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("delete_after", Instant(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_appointment_order")),
        sa.ForeignKeyConstraint(
            ["caseworker_id"], ["resource.id"], name=op.f("fk_appointment_caseworker_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["resource.id"], name=op.f("fk_appointment_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["interpreter_id"], ["resource.id"], name=op.f("fk_appointment_interpreter_id")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["resource.id"], name=op.f("fk_appointment_room_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_appointment_site_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_appointment_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("reference", name=op.f("uq_appointment_reference")),
        sa.UniqueConstraint("uid", name=op.f("uq_appointment_uid")),
    )
    op.create_index(
        "ix_appointment_caseworker_id_starts_at",
        "appointment",
        ["caseworker_id", "starts_at"],
        unique=False,
    )
    op.create_index("ix_appointment_delete_after", "appointment", ["delete_after"], unique=False)
    op.create_index(
        "ix_appointment_site_id_starts_at", "appointment", ["site_id", "starts_at"], unique=False
    )
    op.create_table(
        "closure",
        sa.Column("id", Id, nullable=False),
        sa.Column("site_id", Id, nullable=True),
        sa.Column("resource_id", Id, nullable=True),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("ways", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "(site_id IS NULL) <> (resource_id IS NULL)", name=op.f("ck_closure_one_subject")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_closure_order")),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_closure_resource_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_closure_site_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    op.create_index("ix_closure_ends_at", "closure", ["ends_at"], unique=False)
    op.create_table(
        "loan",
        sa.Column("id", Id, nullable=False),
        sa.Column("device_id", Id, nullable=False),
        sa.Column("borrower_id", Id, nullable=False),
        sa.Column("out_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("returned_at", Instant(), nullable=True),
        sa.CheckConstraint("out_at < due_at", name=op.f("ck_loan_order")),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["resource.id"], name=op.f("fk_loan_borrower_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["resource.id"], name=op.f("fk_loan_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan")),
    )
    op.create_index(
        "uq_loan_device_out",
        "loan",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text("returned_at IS NULL"),
        sqlite_where=sa.text("returned_at IS NULL"),
    )
    op.create_table(
        "staff",
        sa.Column("id", Id, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("resource_id", Id, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_staff_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
    )
    op.create_table(
        "working_pattern",
        sa.Column("id", Id, nullable=False),
        sa.Column("resource_id", Id, nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("starts_minute", sa.Integer(), nullable=False),
        sa.Column("ends_minute", sa.Integer(), nullable=False),
        sa.Column("ways", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("every_weeks", sa.Integer(), nullable=False),
        sa.Column("release", sa.String(length=12), server_default="online", nullable=False),
        sa.CheckConstraint(
            "0 <= starts_minute AND starts_minute < ends_minute",
            name=op.f("ck_working_pattern_order"),
        ),
        sa.CheckConstraint("ends_minute <= 1440", name=op.f("ck_working_pattern_one_day")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_working_pattern_weekday")),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_working_pattern_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_pattern")),
    )
    op.create_index(
        "ix_working_pattern_resource_id", "working_pattern", ["resource_id"], unique=False
    )
    op.create_table(
        "history",
        sa.Column("id", Id, nullable=False),
        sa.Column("appointment_id", Id, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("change", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_history_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index("ix_history_appointment_id", "history", ["appointment_id"], unique=False)
    op.create_table(
        "hold",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("topic_id", Id, nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("site_id", Id, nullable=False),
        sa.Column("caseworker_id", Id, nullable=False),
        sa.Column("room_id", Id, nullable=True),
        sa.Column("device_id", Id, nullable=True),
        sa.Column("interpreter_id", Id, nullable=True),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("appointment_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_hold_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["caseworker_id"], ["resource.id"], name=op.f("fk_hold_caseworker_id")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["resource.id"], name=op.f("fk_hold_device_id")),
        sa.ForeignKeyConstraint(
            ["interpreter_id"], ["resource.id"], name=op.f("fk_hold_interpreter_id")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["resource.id"], name=op.f("fk_hold_room_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_hold_site_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_hold_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_hold_token_hash")),
    )
    op.create_index("ix_hold_expires_at", "hold", ["expires_at"], unique=False)
    op.create_table(
        "participant_link",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("appointment_id", Id, nullable=False),
        sa.Column("part", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_participant_link_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_participant_link_token_hash")),
    )
    op.create_index(
        "ix_participant_link_appointment_id", "participant_link", ["appointment_id"], unique=False
    )
    op.create_table(
        "staff_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_session")),
    )
    op.create_table(
        "claim",
        sa.Column("id", Id, nullable=False),
        sa.Column("resource_id", Id, nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("appointment_id", Id, nullable=True),
        sa.Column("hold_id", Id, nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "(appointment_id IS NULL) <> (hold_id IS NULL)", name=op.f("ck_claim_one_owner")
        ),
        sa.CheckConstraint(
            "(hold_id IS NULL) = (expires_at IS NULL)", name=op.f("ck_claim_holds_expire")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_claim_order")),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_claim_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["hold.id"], name=op.f("fk_claim_hold_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_claim_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    op.create_index("ix_claim_appointment_id", "claim", ["appointment_id"], unique=False)
    op.create_index("ix_claim_hold_id", "claim", ["hold_id"], unique=False)
    op.create_index(
        "ix_claim_resource_id_starts_at", "claim", ["resource_id", "starts_at"], unique=False
    )
    op.create_table(
        "waiting",
        sa.Column("id", Id, nullable=False),
        sa.Column("appointment_id", Id, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("hold_id", Id, nullable=True),
        sa.Column("offer_expires_at", Instant(), nullable=True),
        sa.Column("declined", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_waiting_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["hold.id"], name=op.f("fk_waiting_hold_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_waiting_appointment_id")),
    )
    for statement in OVERLAP[op.get_bind().dialect.name]:
        op.execute(statement)

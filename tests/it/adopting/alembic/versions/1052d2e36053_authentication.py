"""authentication"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "1052d2e36053"
down_revision = "b8ab312fc9b8"


def upgrade():
    op.add_column("users", sa.Column("email", sa.String(255)))
    op.add_column("users", sa.Column("password_hash", sa.String(255), nullable=False))
    op.alter_column("users", "username", nullable=False)
    op.create_unique_constraint("users_email_key", "users", ["email"])
    op.create_table(
        "sessions",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("user_id", UUID(as_uuid=True), nullable=False),
        sa.Column("token", sa.String(255), nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
    )
    op.add_column("generations", sa.Column("user_id", UUID(as_uuid=True)))
    op.create_foreign_key("generations_user_id_fkey", "generations", "users", ["user_id"], ["id"])
    op.create_index("ix_generations_user_id", "generations", ["user_id"])


def downgrade():
    op.drop_column("generations", "user_id")
    op.drop_table("sessions")
    op.alter_column("users", "username", nullable=True)
    op.drop_column("users", "password_hash")
    op.drop_column("users", "email")

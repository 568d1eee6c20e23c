"""users and generations"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "c31bba7cdef1"
down_revision = None


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("username", sa.String(255)),
        sa.Column("api_token", sa.String(255)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("api_token"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "generations",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("github_url", sa.Text, nullable=False),
        sa.Column("repo_owner", sa.String(255)),
        sa.Column("repo_name", sa.String(255)),
        sa.Column("primary_language", sa.String(100)),
        sa.Column("repo_size_kb", sa.Integer),
        sa.Column("code_quality_score", sa.Numeric(3, 1)),
        sa.Column("cat_attributes", JSONB),
        sa.Column("analysis_data", JSONB),
        sa.Column("image_path", sa.Text),
        sa.Column("image_prompt", sa.Text),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade():
    op.drop_table("generations")
    op.drop_table("users")

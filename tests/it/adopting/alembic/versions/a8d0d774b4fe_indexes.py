"""indexes"""

from alembic import op

revision = "a8d0d774b4fe"
down_revision = "c31bba7cdef1"


def upgrade():
    op.create_index("ix_generations_github_url", "generations", ["github_url"])
    op.create_index("ix_generations_created_at", "generations", ["created_at"])


def downgrade():
    op.drop_index("ix_generations_created_at", "generations")
    op.drop_index("ix_generations_github_url", "generations")

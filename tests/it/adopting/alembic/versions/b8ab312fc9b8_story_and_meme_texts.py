"""story and meme texts"""

import sqlalchemy as sa
from alembic import op

revision = "b8ab312fc9b8"
down_revision = "a8d0d774b4fe"


def upgrade():
    op.add_column("generations", sa.Column("story", sa.Text))
    op.add_column("generations", sa.Column("meme_text_top", sa.String(100)))
    op.add_column("generations", sa.Column("meme_text_bottom", sa.String(100)))


def downgrade():
    for column in ("meme_text_bottom", "meme_text_top", "story"):
        op.drop_column("generations", column)

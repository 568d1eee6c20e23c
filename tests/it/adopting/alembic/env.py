"""Runs the revisions on the database of -x url=URL."""

import sqlalchemy as sa
from alembic import context

engine = sa.create_engine(context.get_x_argument(as_dictionary=True)["url"], poolclass=sa.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

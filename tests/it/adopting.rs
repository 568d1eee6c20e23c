//! A database of the founding Python application, made by real Alembic and written by real `SQLAlchemy`, becomes ours.

mod bed;
mod interrupted;
mod pictures;
mod reading;
mod refused;
mod whole;

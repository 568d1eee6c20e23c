"""Stands for the founding application: its models at one of the four revisions, and what it asks of its database.

application.py fill|work|write URL LEVEL     LEVEL: 0 for the first revision, to 3 for the last
"""

import json
import sys
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

MODE, URL, LEVEL = sys.argv[1], sys.argv[2], int(sys.argv[3])


class Base(DeclarativeBase):
    pass


def own_id():
    return mapped_column(UUID(as_uuid=True), primary_key=True, default=uuid.uuid4)


def moment():
    return mapped_column(sa.DateTime, nullable=False, default=datetime.utcnow)


class User(Base):
    __tablename__ = "users"
    id = own_id()
    username = mapped_column(sa.String(255), unique=True)
    api_token = mapped_column(sa.String(255), unique=True)
    created_at = moment()
    updated_at = moment()
    if LEVEL >= 3:
        email = mapped_column(sa.String(255), unique=True)
        password_hash = mapped_column(sa.String(255), nullable=False)


class Generation(Base):
    __tablename__ = "generations"
    id = own_id()
    github_url = mapped_column(sa.Text, nullable=False)
    repo_owner = mapped_column(sa.String(255))
    repo_name = mapped_column(sa.String(255))
    primary_language = mapped_column(sa.String(100))
    repo_size_kb = mapped_column(sa.Integer)
    code_quality_score = mapped_column(sa.Numeric(3, 1))
    cat_attributes = mapped_column(JSONB)
    analysis_data = mapped_column(JSONB(none_as_null=True))
    image_path = mapped_column(sa.Text)
    image_prompt = mapped_column(sa.Text)
    created_at = moment()
    if LEVEL >= 2:
        story = mapped_column(sa.Text)
        meme_text_top = mapped_column(sa.String(100))
        meme_text_bottom = mapped_column(sa.String(100))
    if LEVEL >= 3:
        user_id = mapped_column(UUID(as_uuid=True), sa.ForeignKey("users.id"))


if LEVEL >= 3:

    class Login(Base):
        __tablename__ = "sessions"
        id = own_id()
        user_id = mapped_column(UUID(as_uuid=True), sa.ForeignKey("users.id"), nullable=False)
        token = mapped_column(sa.String(255), unique=True, nullable=False)
        expires_at = mapped_column(sa.DateTime, nullable=False)
        created_at = moment()


def user(name, **values):
    if LEVEL >= 3:
        values = {"email": f"{name}@example.org", "password_hash": "$2b$12$" + "x" * 53, **values}
    return User(username=name, **values)


def generation(url="https://github.com/user/repo", **values):
    if LEVEL < 2:
        values = {name: value for name, value in values.items() if name != "story" and "meme" not in name}
    return Generation(github_url=url, **values)


ATTRIBUTES = {
    "size": "small",
    "age": "adult",
    "beauty_score": 7.4,
    "expression": "neutral",
    "background": "snakes and a terminal",
    "language": "Python",
    "prompt": "A small cat",
}
ANALYSIS = {
    "code_quality_score": 7.4,
    "files_analyzed": ["README.md", "tests/test_app.py"],
    "metrics": {
        "line_length_avg": 34.2,
        "line_length_max": 119,
        "lines_too_long_pct": 0.0,
        "function_length_avg": 9.5,
        "function_length_max": 40,
        "function_count": 12,
        "nesting_depth_avg": 1.5,
        "nesting_depth_max": 4,
        "comment_ratio": 0.2,
        "has_tests": True,
        "has_type_hints": False,
        "complexity_avg": 2.5,
        "complexity_max": 9,
        "complexity_total": 30,
        "readability_score": 7,
    },
    "strengths": ["It has tests."],
    "weaknesses": ["It has few."],
    "recommendations": ["Write more."],
    "summary": "It is small.",
}


def usual(**values):
    return generation(**{
        "repo_owner": "user",
        "repo_name": "repo",
        "primary_language": "Python",
        "repo_size_kb": 321,
        "code_quality_score": 7.4,
        "cat_attributes": ATTRIBUTES,
        "analysis_data": ANALYSIS,
        "image_path": f"/generated_images/{uuid.UUID(int=1)}.png",
        "image_prompt": "A small cat",
        "story": "Once there was a repository.",
        "meme_text_top": "ONCE",
        "meme_text_bottom": "X" * 100,
        **values,
    })


def fill(session):
    """Rows of every sort that the tables take, odd ones among them."""
    session.add(user("cat", api_token="plain-token-of-cat"))
    session.add(user("dog"))
    session.add(user("", **({"email": None} if LEVEL >= 3 else {})))
    long_ago = datetime(1970, 1, 1, 0, 0, 0, 1)
    session.add_all([
        usual(),
        usual(),
        usual(code_quality_score=Decimal("8.5"), cat_attributes={"size": "chonky", "color": "orange"}),
        usual(code_quality_score=Decimal("99.9")),
        usual(code_quality_score=Decimal("-0.1")),
        usual(code_quality_score=Decimal("NaN"), analysis_data=None),
        generation(),
        generation("", created_at=long_ago),
        usual(repo_owner="", repo_name="", primary_language="", image_path="", story="", meme_text_top=""),
        usual(repo_size_kb=-5, cat_attributes=None, analysis_data={}),
        usual(repo_size_kb=2**31 - 1, cat_attributes=[1, {"a": None}], analysis_data={"metrics": "none"}),
        usual(cat_attributes="chonky", analysis_data=[1.5, "two"], repo_owner="ü" * 255, repo_name="\u202e\t\n"),
        usual(cat_attributes={"size": 3, "color": None, "beauty_score": "high"}, created_at=long_ago),
    ])
    for url in (
        "https://github.com/?a/b",
        "https://github.com/a/.git",
        "http://github.com/a/b",
        "https://github.com/a/b#readme",
        "https://user:secret@github.com/a/b",
        "not a URL\n",
    ):
        session.add(usual(url=url))
    for path in (
        f"generated_images/{uuid.UUID(int=2)}.png",
        f"/srv/app/generated_images/{uuid.UUID(int=1)}.png",
        "/generated_images/gone.png",
        "/generated_images/photo.png",
        "/generated_images/link.png",
        "../outside.png",
    ):
        session.add(usual(image_path=path))
    session.flush()
    if LEVEL >= 3:
        owner = session.scalars(sa.select(User).filter_by(username="cat")).one()
        session.add(usual(user_id=owner.id))
        session.add(Login(user_id=owner.id, token="t" * 255, expires_at=datetime(2030, 1, 1)))
    session.commit()


def work(session):
    """What it does all day; prints what it read."""
    owner = user(f"worker-{uuid.uuid4()}")
    session.add(owner)
    session.flush()
    made = usual(created_at=datetime.utcnow() + timedelta(minutes=1), **({"user_id": owner.id} if LEVEL >= 3 else {}))
    session.add(made)
    if LEVEL >= 3:
        session.add(Login(user_id=owner.id, token=str(uuid.uuid4()), expires_at=datetime(2030, 1, 1)))
    session.commit()
    made_id = made.id
    session.expunge_all()
    newest_first = sa.select(Generation).order_by(Generation.created_at.desc())
    page = session.scalars(newest_first.limit(5).offset(0)).all()
    next_page = session.scalars(newest_first.limit(5).offset(5)).all()
    one = session.get(Generation, made_id)
    one.code_quality_score = Decimal("9.0")
    session.commit()
    extra = usual()
    session.add(extra)
    session.commit()
    session.delete(extra)
    session.commit()
    if LEVEL >= 3:
        login = session.scalars(sa.select(Login).filter_by(user_id=one.user_id)).one()
        session.delete(login)
        session.commit()
    print(json.dumps({
        "newest_is_ours": page[0].id == made_id,
        "pages": [len(page), len(next_page)],
        "score": str(one.code_quality_score),
        "size": one.cat_attributes["size"],
        "all": session.scalar(sa.select(sa.func.count()).select_from(Generation)),
    }))


def write(session):
    """Writes without a pause until it is told to stop; prints how many rows."""
    import threading

    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    rows = 0
    while not stop.is_set():
        owner = user(f"writer-{rows}")
        session.add(owner)
        session.flush()
        owned = {"user_id": owner.id} if LEVEL >= 3 else {}
        session.add(usual(repo_owner="writer", repo_name=str(rows), **owned))
        session.commit()
        rows += 1
        if rows == 1:
            print("writing", flush=True)
    print(rows)


with Session(sa.create_engine(URL, poolclass=sa.NullPool)) as session:
    {"fill": fill, "work": work, "write": write}[MODE](session)

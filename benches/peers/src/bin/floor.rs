//! The floor: the least that PostgreSQL can do for a queue. One table, one partial index, prepared statements; no retry,
//! no lease, no notification. Its worker is two connections that claim 1,000 rows and update them when they ran.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, future};
use peers::{Payload, Queue, Result, drive, record, terminated};
use tokio_postgres::types::Json;
use tokio_postgres::{Client, NoTls, Statement, connect};

const TABLE: &str = "
    create table jobs (
        id bigint generated always as identity primary key,
        queue text not null default 'q',
        priority int not null default 0,
        run_at timestamptz not null default now(),
        state smallint not null default 0,
        attempts int not null default 0,
        locked_at timestamptz,
        done_at timestamptz,
        payload jsonb not null
    );
    create index on jobs (priority, run_at, id) where state = 0";
const INSERT: &str = "insert into jobs (payload) values ($1)";
const INSERT_MANY: &str = "insert into jobs (payload) select unnest($1::jsonb[])";
const COPY: &str = "copy jobs (payload) from stdin";
const CLAIM: &str = "
    update jobs set state = 1, locked_at = now(), attempts = attempts + 1
    where id in (
        select id from jobs where state = 0 and run_at <= now()
        order by priority, run_at, id limit 1000 for update skip locked)
    returning id, payload";
const FINISH: &str = "update jobs set state = 2, done_at = now() where id = any ($1)";

const WORKER_CONNECTIONS: usize = 2;
/// How long a worker rests that found nothing.
const POLL: Duration = Duration::from_millis(10);
/// What is sent at once in a COPY, in bytes.
const PART: usize = 64 * 1024;

struct Floor {
    url: String,
    callers: Vec<(Client, Option<Statement>)>,
}

#[tokio::main]
async fn main() -> Result {
    drive::<Floor>().await
}

async fn client(url: &str) -> Result<Client> {
    let (client, connection) = connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl Queue for Floor {
    async fn connect(url: &str, callers: usize) -> Result<Self> {
        let connect = async || {
            let client = client(url).await?;
            // Before `setup` there is no table to prepare for.
            let insert = client.prepare(INSERT).await.ok();
            Result::Ok((client, insert))
        };
        let callers = future::try_join_all((0..callers).map(|_| connect())).await?;
        Ok(Self { url: url.to_owned(), callers })
    }

    async fn setup(&self) -> Result {
        Ok(self.callers[0].0.batch_execute(TABLE).await?)
    }

    async fn enqueue(&self, caller: usize, job: Payload) -> Result {
        let (client, insert) = &self.callers[caller];
        client.execute(insert.as_ref().ok_or("run setup first")?, &[&Json(job)]).await?;
        Ok(())
    }

    async fn bulk(&self, jobs: Vec<Payload>) -> Result {
        let jobs: Vec<_> = jobs.into_iter().map(Json).collect();
        self.callers[0].0.execute(INSERT_MANY, &[&jobs]).await?;
        Ok(())
    }

    async fn copy(&self, n: u64) -> Result {
        let sink = self.callers[0].0.copy_in::<_, Bytes>(COPY).await?;
        let mut sink = std::pin::pin!(sink);
        let mut part = Vec::with_capacity(2 * PART);
        for i in 0..n {
            serde_json::to_writer(&mut part, &Payload::new(i))?;
            part.push(b'\n');
            if part.len() > PART {
                sink.send(std::mem::take(&mut part).into()).await?;
            }
        }
        sink.send(part.into()).await?;
        sink.finish().await?;
        Ok(())
    }

    async fn work(&self) -> Result {
        let workers =
            future::try_join_all((0..WORKER_CONNECTIONS).map(|_| tokio::spawn(claim_for_ever(self.url.clone()))));
        tokio::select! {
            ended = workers => Err(format!("a worker ended: {ended:?}").into()),
            stopped = terminated() => stopped,
        }
    }
}

async fn claim_for_ever(url: String) -> Result {
    let client = client(&url).await?;
    let (claim, finish) = (client.prepare(CLAIM).await?, client.prepare(FINISH).await?);
    loop {
        let rows = client.query(&claim, &[]).await?;
        if rows.is_empty() {
            tokio::time::sleep(POLL).await;
            continue;
        }
        let jobs = rows.iter().map(|row| row.get::<_, Json<Payload>>("payload").0);
        future::join_all(jobs.map(|job| record::run(job.i, job.t))).await;
        let ids: Vec<i64> = rows.iter().map(|row| row.get("id")).collect();
        client.execute(&finish, &[&ids]).await?;
    }
}

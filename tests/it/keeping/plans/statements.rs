//! Every statement of the program that touches live or finished jobs: the hot ones with what they may cost, the cold ones
//! with the reason why nobody minds.

use super::stock::Stock;

/// A statement that must stay cheap however much is kept.
pub struct Hot {
    pub name: &'static str,
    /// Words that only this statement has, all of them.
    pub has: &'static [&'static str],
    /// Its parameters, as SQL.
    pub arguments: fn(&Stock) -> Vec<String>,
    /// The most buffers that it may look at: so many at once, for each job that runs, and for each lane.
    pub buffers: [u64; 3],
}

/// A statement that is rare, or reads much by its nature.
pub struct Cold {
    pub has: &'static [&'static str],
    pub why: &'static str,
}

const ALL: &str = "'{generation,probe,webhook}'";

pub const HOT: &[Hot] = &[
    Hot {
        name: "claims::lanes",
        has: &["WITH RECURSIVE ring", "AS \"is_limited!\""],
        arguments: |_| vec![ALL.into(), i64::MIN.to_string(), "1000".into()],
        buffers: [100, 1, 10],
    },
    Hot {
        name: "claims::peek",
        has: &["AS want (lane, kind, since)", "kind = want.kind", "AS \"lane!\" FROM unnest"],
        arguments: |stock| stock.lanes[..3].to_vec(),
        buffers: [100, 0, 10],
    },
    Hot {
        name: "claims::claim",
        has: &["renewed", "picked", "want (lane"],
        arguments: |stock| {
            let mut arguments = vec![stock.worker.clone()];
            arguments.extend(stock.lanes.clone());
            // No new lease, no limits.
            arguments.extend(["NULL".into(), "false".into()]);
            arguments
        },
        buffers: [100, 1, 25],
    },
    Hot {
        name: "claims::claim_one",
        has: &["held", "picked", "id = $2 AND state = 'available'"],
        arguments: |stock| vec![stock.worker.clone(), stock.waiting.clone()],
        buffers: [80, 0, 0],
    },
    Hot {
        name: "outcomes::complete",
        has: &["finished", "'completed', limit_key", "ended"],
        arguments: |stock| vec![stock.worker.clone(), stock.running.clone(), stock.claims.clone()],
        buffers: [500, 20, 0],
    },
    Hot {
        name: "outcomes::complete_generations",
        has: &["INSERT INTO public.generations", "queue.archive(row, 'completed')"],
        arguments: |stock| {
            let result = "'{\"github_url\": \"https://github.com/cat/cat\", \"degraded\": false}'::jsonb";
            vec![stock.worker.clone(), stock.running.clone(), stock.claims.clone(), stock.each(result)]
        },
        buffers: [1000, 35, 0],
    },
    Hot {
        name: "outcomes::completed_by",
        has: &["history.claims = input.claim", "history.worker_id = $1"],
        arguments: |stock| {
            let claims = format!("'{{{}}}'", ["1"; 10].join(","));
            vec![stock.worker.clone(), stock.completed.clone(), claims, "now() - interval '1 week'".into()]
        },
        buffers: [300, 0, 0],
    },
    Hot {
        name: "outcomes::put_back",
        has: &["AS input (id, claim, state, outcome, wait, reason, class, error, hint, causes)"],
        arguments: |stock| {
            let mut arguments = vec![stock.worker.clone(), stock.running.clone(), stock.claims.clone()];
            arguments.extend(
                ["'scheduled'::text", "'retried'::text", "5::float8", "NULL::text"].map(|value| stock.each(value)),
            );
            arguments.extend(["'x'::text", "'x'::text", "'x'::text", "'[]'::jsonb"].map(|value| stock.each(value)));
            arguments
        },
        buffers: [1000, 25, 0],
    },
    Hot {
        name: "outcomes::end",
        has: &["AS input (id, claim, state, reason, class, error, hint, causes)"],
        arguments: |stock| {
            let mut arguments = vec![stock.worker.clone(), stock.running.clone(), stock.claims.clone()];
            arguments.extend(["'discarded'::text", "NULL::text"].map(|value| stock.each(value)));
            arguments.extend(["'x'::text", "'x'::text", "'x'::text", "'[]'::jsonb"].map(|value| stock.each(value)));
            arguments
        },
        buffers: [1000, 25, 0],
    },
    Hot {
        name: "workers::heartbeat",
        has: &["heartbeat_at = queue.now()", "AS held (id, claim)"],
        arguments: |stock| vec![stock.worker.clone(), "8".into(), stock.running.clone(), stock.claims.clone()],
        buffers: [100, 6, 0],
    },
    Hot { name: "pulse::look", has: &["AS due_in", "AS lapses_in"], arguments: |_| vec![], buffers: [50, 0, 0] },
    Hot {
        name: "pulse::promote_due",
        has: &["SET state = 'available', due_at = NULL, rank = queue.rank(job.run_at, job.priority)"],
        arguments: |_| vec![],
        buffers: [1000, 25, 0],
    },
    Hot {
        name: "pulse::discard_expired",
        has: &["DELETE FROM queue.jobs", "WHERE deadline <= queue.now() AND state <> 'running'"],
        arguments: |_| vec![],
        buffers: [1000, 25, 0],
    },
    Hot {
        name: "quota, what runs under limits",
        has: &["WHERE limited AND kind = ANY ($1)"],
        arguments: |_| vec![ALL.into()],
        buffers: [200, 0, 0],
    },
    Hot {
        name: "schedules::look_at",
        has: &["AS \"is_done!\"", "AS \"is_busy!\""],
        arguments: |_| vec!["'a schedule'".into(), "now()".into()],
        buffers: [50, 0, 0],
    },
    Hot {
        name: "enqueue::insert",
        has: &["INSERT INTO queue.jobs", "AS clock OFFSET 0) AS due"],
        arguments: |_| {
            let mut arguments = vec![Stock::new_id(), "'probe'".into()];
            arguments.extend(
                ["NULL", "NULL", "0", "NULL", "NULL", "NULL", "NULL", "NULL", "5::smallint"].map(str::to_owned),
            );
            arguments.extend(["NULL", "NULL", "'{}'"].map(str::to_owned));
            arguments
        },
        buffers: [300, 0, 0],
    },
    Hot {
        name: "enqueue::insert_all",
        has: &["INSERT INTO queue.jobs", "AS given (id, kind, at, wait"],
        arguments: |_| {
            let mut arguments = vec![format!("ARRAY[{}::uuid]", Stock::new_id()), "'{probe}'".into()];
            // The time, the wait, the priority, the deadline, the time-out, whose it is and of what, the limit key, the
            // attempts, the tags, the trace, the payload; and what stands between tags.
            let others = ["NULL", "NULL", "0", "NULL", "NULL", "NULL", "NULL", "NULL", "5", "NULL", "NULL"]
                .map(|value| format!("'{{{value}}}'"));
            arguments.extend(others);
            arguments.extend(["'{\"{}\"}'".to_owned(), "','".to_owned()]);
            arguments
        },
        buffers: [300, 0, 0],
    },
    Hot {
        name: "steer::end",
        has: &["DELETE FROM queue.jobs", "WHERE id = ANY ($1) AND state = ANY ($2) FOR UPDATE SKIP LOCKED"],
        arguments: |stock| {
            let id = format!("ARRAY[{}::uuid]", stock.waiting);
            vec![id, "'{available}'".into(), "'cancelled'".into(), "'a channel'".into()]
        },
        buffers: [400, 0, 0],
    },
    Hot {
        name: "steer::make_available",
        has: &["AND state IN ('scheduled', 'parked') FOR UPDATE SKIP LOCKED"],
        arguments: |stock| vec![format!("ARRAY[{}::uuid]", stock.waiting), "'{scheduled,parked}'".into()],
        buffers: [200, 0, 0],
    },
    Hot {
        name: "steer::reopen",
        has: &["DELETE FROM queue.history", "SELECT job_id FROM keys"],
        arguments: |stock| vec![format!("ARRAY[{}::uuid]", stock.discarded), "'{discarded}'".into()],
        buffers: [300, 0, 0],
    },
    Hot {
        name: "inspect::job",
        has: &["AS \"max_attempts!\"", "FROM queue.all_jobs AS job WHERE id = ANY ($1)"],
        arguments: |stock| vec![format!("ARRAY[{}::uuid]", stock.discarded)],
        buffers: [300, 0, 0],
    },
    Hot {
        name: "events::stories",
        has: &["AS \"attempts!: Json<Vec<AttemptThen>>\"", "FROM queue.all_jobs AS job WHERE job.id = ANY ($1)"],
        arguments: |stock| vec![format!("ARRAY[{}::uuid]", stock.discarded)],
        buffers: [300, 0, 0],
    },
    Hot {
        name: "events::since, what was enqueued",
        has: &["NULL::timestamptz AS finished_at", "FROM queue.jobs WHERE id > $1 ORDER BY id LIMIT $2"],
        arguments: |stock| vec![stock.waiting.clone(), "1000".into()],
        buffers: [1500, 0, 0],
    },
    // By summaries of ranges of pages: what is not summarised yet is read, of this week alone.
    Hot {
        name: "events::since, what ended",
        has: &["FROM queue.history WHERE finished_at >= $1 AND (finished_at, id) > ($1, $2)"],
        arguments: |_| {
            vec!["now() - interval '10 s'".into(), "'00000000-0000-0000-0000-000000000000'".into(), "1000".into()]
        },
        buffers: [20_000, 0, 0],
    },
    Hot {
        name: "forecast, the jobs",
        has: &["AS \"due_in!\"", "AS \"has_begun!\""],
        arguments: |stock| vec![format!("ARRAY[{}]::uuid[]", stock.waiting)],
        buffers: [20, 0, 0],
    },
    Hot {
        name: "forecast, the front of a lane",
        has: &["SELECT front.lane, front.rank", "AS front"],
        arguments: |stock| vec![stock.lanes[0].clone(), "200".into()],
        buffers: [3000, 2, 1000],
    },
    Hot {
        name: "forecast, the lanes",
        has: &["SELECT ring.lane AS \"lane!\"", "AS \"waiting!\""],
        arguments: |_| vec!["200".into(), "50".into(), "'generation'".into()],
        buffers: [3000, 2, 60],
    },
    Hot {
        name: "steps::progress",
        has: &["UPDATE queue.steps SET fraction = $5"],
        arguments: |stock| {
            vec![
                stock.one_running.clone(),
                stock.worker.clone(),
                "1".into(),
                "'fetch'".into(),
                "0.5".into(),
                "'x'".into(),
            ]
        },
        buffers: [30, 0, 0],
    },
    Hot {
        name: "steps::advance",
        has: &["INSERT INTO queue.steps", "AS \"mine!\""],
        arguments: |stock| {
            let mut arguments = vec![stock.one_running.clone(), stock.worker.clone(), "1".into()];
            arguments.extend(["NULL", "0", "NULL", "'fetch'"].map(str::to_owned));
            arguments
        },
        buffers: [60, 0, 0],
    },
    Hot {
        name: "retention::forget",
        has: &["DELETE FROM queue.attempts", "AND expires_at IS NULL"],
        arguments: |_| {
            vec![
                "'discarded'".into(),
                "now() - interval '14 days'".into(),
                "'00000000-0000-0000-0000-000000000000'".into(),
                "5000".into(),
            ]
        },
        buffers: [50_000, 0, 0],
    },
    Hot {
        name: "retention::delete_rows",
        has: &["DELETE FROM queue.history", "WHERE state = $1 AND finished_at < $2 AND id = ANY"],
        arguments: |_| {
            vec![
                "'discarded'".into(),
                "now() - interval '200 days'".into(),
                "'00000000-0000-0000-0000-000000000000'".into(),
                "5000".into(),
            ]
        },
        buffers: [100, 0, 0],
    },
];

pub const COLD: &[Cold] = &[
    Cold {
        has: &["parked_because LIKE 'restored: %'", "FROM queue.home"],
        why: "hold::current: counts what a restore parked, by an index; asked only where something is held",
    },
    Cold {
        has: &["parked_because LIKE 'restored: %'", "ORDER BY id LIMIT $1"],
        why: "hold::parked: a batch of what a restore parked, by an index, for a person's wish",
    },
    Cold {
        has: &["AS completed_within", "AS discarded_within"],
        why: "stats::trend: people ask for it; a number of finished jobs of each part of six hours and no more, under a time-out",
    },
    Cold {
        has: &["coalesce(attempt.error_class, 'none') AS class"],
        why: "stats::faults: people ask for it; the last 500 discarded jobs by id and no more, under a time-out",
    },
    Cold {
        has: &["FROM queue.jobs TABLESAMPLE SYSTEM", "GROUP BY kind, state, worker_id"],
        why: "stats: people ask for it; it reads a fixed number of pages",
    },
    Cold {
        has: &["count(*) FILTER (WHERE matches) AS \"jobs!\"", "nth = $15"],
        why: "inspect, how many match: people ask for it; it goes through a number of jobs in the order of ids and no more",
    },
    Cold {
        has: &["matches AS \"matches!\"", "nth = $15 AS \"is_last!\""],
        why: "inspect, which match: as the one that counts them",
    },
    Cold {
        has: &["FROM queue.all_jobs AS job WHERE id = ANY ($1)", "FROM queue.unique_keys AS held"],
        why: "steer, what may be done to jobs: by id, for jobs that a person chose",
    },
    Cold {
        has: &["UPDATE queue.jobs SET limited = true WHERE state = 'running'"],
        why: "limits::set: reads the table once for a person's wish, so that what runs counts against a new limit",
    },
    Cold {
        has: &["SET run_at = $3, state = CASE WHEN $3 > queue.now()", "coalesce(deadline > $3, true)"],
        why: "steer::reschedule: by id, for jobs that a person chose",
    },
    Cold {
        has: &["UPDATE queue.jobs SET priority = $3::smallint"],
        why: "steer::reprioritize: by id, for jobs that a person chose",
    },
    Cold {
        has: &["SELECT lane FROM queue.jobs WHERE rank IS NOT NULL ORDER BY lane LIMIT 1"],
        why: "stats: people ask for it; the front of a number of lanes and no more, under a time-out",
    },
    Cold {
        has: &["WHERE parked_because IS NOT NULL ORDER BY id LIMIT $1", "AS \"exact!\""],
        why: "stats: people ask for it; it counts up to a number of jobs and no further, under a time-out",
    },
    Cold {
        has: &["FROM queue.limits AS of", "job.limited AND job.kind = of.kind"],
        why: "stats: people ask for it; an index leads to what runs under limits",
    },
    Cold {
        has: &["AS \"at!\"", "pg_relation_size('queue.jobs')"],
        why: "stats: asks for the table's size, reads nothing of it",
    },
    Cold {
        has: &["WITH part AS MATERIALIZED", "ARRAY[0.5, 0.95, 0.99]"],
        why: "stats: people ask for it; it reads a number of the last hour's jobs and no more, under a time-out",
    },
    Cold {
        has: &["pg_relation_size('queue.jobs')", "AS \"sampled!\""],
        why: "depth::look, its first half: asks for the table's size and reads nothing of it",
    },
    Cold {
        has: &["FROM queue.jobs TABLESAMPLE SYSTEM", "GROUP BY kind, state ORDER BY kind, state"],
        why: "depth::look, its second half: reads a fixed number of pages, by its first half's sample",
    },
    Cold {
        has: &["WHERE id = slot.job_id LIMIT 1)) AS job_state"],
        why: "schedules::slots looks every slot of a page up by id, in every week: a person waits for it, no worker",
    },
    Cold {
        has: &["AS \"name!\", slot.*"],
        why: "schedules::latest_slots looks the last slots of a page up by id, in the weeks since they were due: a person waits for it",
    },
    Cold {
        has: &["FROM pg_inherits", "'queue.history_' || $1"],
        why: "retention::partitions_before names history, but reads the catalogue only",
    },
    Cold {
        has: &["WITH held AS", "deaths + 1 < $2"],
        why: "workers::rescue reads the table once for a worker that was lost, so that claims have no index to keep for it",
    },
    Cold { has: &["WITH gone AS", "the job is suspected of killing it"], why: "workers::rescue, its second half" },
    Cold {
        has: &["'handed_back', $5 FROM job"],
        why: "workers::give_back: only after an answer to a claim was lost, or where a stop leaves jobs behind",
    },
];

/// A page of what was discarded lately for one reason. It is planned anew each time, so that no other week is looked at.
pub const ENDED: Hot = Hot {
    name: "inspect, what ended lately",
    has: &["matches AS \"matches!\"", "nth = $15 AS \"is_last!\""],
    arguments: |_| {
        let mut arguments =
            ["'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'00000000-0000-0000-0000-000000000000'"].to_vec();
        arguments.extend(["'{discarded}'", "NULL", "false", "false", "'{discarded}'"]);
        arguments.extend([
            "NULL",
            "NULL",
            "NULL",
            "NULL",
            "NULL",
            "date_trunc('week', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
        ]);
        arguments.extend(["'too_large'", "3000", "50"]);
        arguments.into_iter().map(str::to_owned).collect()
    },
    buffers: [30_000, 0, 0],
};

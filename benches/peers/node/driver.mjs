// Driver for graphile-worker, the Node one, with the settings of its own performance test: 24 jobs at once, 500 kept at
// hand and fetched anew after 10 ms, completions gathered. The verbs and events are those of ../src/lib.rs.
import fs from "node:fs";
import { Logger, makeWorkerUtils, run, runMigrations } from "graphile-worker";
import pg from "pg";

const connectionString = process.env.DATABASE_URL;
const logger = new Logger(() => (level, message) => level === "error" && console.error(message));
const tuned = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const CALLERS = 16;

const now = () => Number(process.hrtime.bigint());
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
const payload = (i) => ({ i, t: now(), pad: "x".repeat(60) });
const print = (event) => fs.writeSync(1, JSON.stringify(event) + "\n");
const rate = (n, start, more) => print({ ev: "RATE", n, per_s: n / ((now() - start) / 1e9), ...more });

/** Quantiles of nanoseconds, in milliseconds. */
function quantiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => (sorted[Math.round((sorted.length - 1) * share)] ?? 0) / 1e6;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

async function work(target) {
  const log = process.env.LOG && fs.openSync(process.env.LOG, "a");
  const note = (what, i) => log && fs.writeSync(log, `${what} ${i}\n`);
  const jobMs = Number(process.env.JOB_MS ?? 0);
  const waits = [];
  let first = 0;
  let done = 0;
  const report = (ev) => {
    const peak = /VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"));
    print({ ev, n: done, first, last: now(), rss_kb: Number(peak[1]), ...quantiles(waits) });
  };
  const noop = async ({ i, t }) => {
    const start = now();
    first ||= start;
    note("s", i);
    waits.push(start - t);
    if (jobMs) await sleep(jobMs);
    note("d", i);
    if (++done === target) report("HANDLED");
  };
  const preset = { worker: { connectionString, logger, ...tuned } };
  const runner = await run({ preset, taskList: { noop }, crontab: "", noHandleSignals: true });
  process.on("SIGTERM", async () => {
    await runner.stop();
    report("END");
    process.exit();
  });
}

async function enqueue(verb, [a, b, batch = 1]) {
  const pgPool = new pg.Pool({ connectionString, max: CALLERS });
  const queue = await makeWorkerUtils({ pgPool, preset: { worker: { logger } } });
  const one = (i) => queue.addJob("noop", payload(i));
  const many = (first, n) => queue.addJobs(Array.from({ length: n }, (_, k) => ({ identifier: "noop", payload: payload(first + k) })));
  const start = now();
  if (verb === "enqueue") {
    const caller = async (k) => {
      for (let i = k; i < a; i += b) await one(i);
    };
    await Promise.all(Array.from({ length: b }, (_, k) => caller(k)));
    rate(a, start);
  } else if (verb === "bulk") {
    for (let i = 0; i < a; i += b) await many(i, Math.min(b, a - i));
    rate(a, start);
  } else {
    // An open loop: a late call does not hold back the next.
    const calls = [];
    for (let i = 0; i < b; i += batch) {
      const early = (start + (i * 1e9) / a - now()) / 1e6;
      if (early > 0.5) await sleep(early);
      const called = now();
      calls.push((batch === 1 ? one(i) : many(i, batch)).then(() => now() - called));
    }
    rate(b, start, quantiles(await Promise.all(calls)));
  }
  process.exit();
}

const [verb, ...words] = process.argv.slice(2);
const numbers = words.map(Number);
if (verb === "setup") await runMigrations({ preset: { worker: { connectionString, logger } } });
else if (verb === "worker") await work(numbers[0]);
else if (["enqueue", "bulk", "pace"].includes(verb)) await enqueue(verb, numbers);
else throw new Error(`the verbs are setup, enqueue, bulk, pace and worker, not ${verb}`);

"""``lipsync-colab batch``: many renders over processes or a Ray cluster."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipsync_colab.errors import InputError

if TYPE_CHECKING:
    from lipsync_colab.batch.pool import Lost, Pool
    from lipsync_colab.batch.schedule import Schedule
    from lipsync_colab.batch.tasks import Outcome, Task
    from lipsync_colab.device import Machine

T4_MEMORY = 15.0
"""GB of the card that Colab gives for nothing."""


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("batch", help="many renders, over processes or a Ray cluster")
    add = parser.add_argument
    add("jobs", type=Path, metavar="JOBS.jsonl", help="one JSON object a line: portrait, audio, output, options")
    add("--address", default="", metavar="RAY", help="a cluster: auto, host:port or ray://host:port; else this machine")
    add("--workers", type=int, default=0, metavar="N", help="processes of this machine, without Ray")
    add("--gpu-memory", type=float, default=T4_MEMORY, metavar="GB", help="of each GPU of the cluster (15)")
    add("--simulate", action="store_true", help="after a batch: how long it would take on 1 to 64 workers")
    add("--quiet", action="store_true")
    add("--json", action="store_true", help="one JSON line for each task, then the summary")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the jobs that are not done yet, and print and write what became of each."""
    from lipsync_colab.batch.jobs import read_jobs
    from lipsync_colab.batch.run import need_of, run_batch
    from lipsync_colab.batch.summary import exit_code, read_summary, summarise, summary_path, table, write_summary

    _check(options)
    if options.simulate:
        return _simulate(options)
    jobs = read_jobs(options.jobs)
    folder = options.jobs.absolute().parent.resolve()
    summary_file = summary_path(folder / options.jobs.name)
    with _pool(options) as pool:
        machine = _machine(options, pool)
        slots = max(pool.slots(need_of(job, machine)) for job in jobs)
        work = folder / (options.jobs.stem + ".work")
        records, seconds = run_batch(jobs, work, pool, machine, _listener(options))
    summary = summarise(records, folder, seconds, slots, read_summary(summary_file))
    write_summary(summary_file, summary)
    if options.json:
        print(json.dumps({"stage": "done", **summary}), flush=True)
    elif not options.quiet:
        print(table(summary))
    return exit_code(summary)


def _check(options: argparse.Namespace) -> None:
    if options.workers < 0:
        raise InputError(f"--workers {options.workers}: give a number of processes, 1 or more")
    if options.address and options.workers:
        raise InputError("--workers is for this machine and --address for a cluster: leave one of them out")
    if not options.gpu_memory > 0:
        raise InputError(f"--gpu-memory {options.gpu_memory:g}: give the GB of one card")


def _pool(options: argparse.Namespace) -> Pool:
    if options.workers:
        from lipsync_colab.batch.process_pool import ProcessPool

        return ProcessPool(options.workers)
    from lipsync_colab.batch.ray_pool import RayPool

    return RayPool(options.address)


def _machine(options: argparse.Namespace, pool: Any) -> Machine:
    """Return what the tasks' needs are estimated for: this machine, or a node of the cluster."""
    from lipsync_colab.device import inspect_machine

    if not options.address:
        return inspect_machine("auto")
    node = inspect_machine("cpu")
    if not pool.has_gpu():
        return node
    return dataclasses.replace(node, device="cuda", device_memory=int(options.gpu_memory * 1e9))


def _listener(options: argparse.Namespace) -> Any:
    """Return what tells of each task that ended: a JSON line, or a line on standard error."""
    from lipsync_colab.batch.pool import Lost as LostTask

    def tell(task: Task, ended: Outcome | Lost, schedule: Schedule) -> None:
        ready, total = sum(record.ended for record in schedule.records.values()), len(schedule.records)
        if isinstance(ended, LostTask):
            lost, error, said = ended.reason, "", f"lost ({ended.reason})"
        else:
            lost, error, said = "", ended.error, ended.error or f"{ended.seconds:.1f} s"
        if options.json:
            values = {"stage": "batch", "done": ready, "total": total, "line": task.job.line, "task": task.kind}
            print(json.dumps(values | {"lost": lost, "error": error}), flush=True)
        elif not options.quiet:
            print(f"[{ready}/{total}] {task.name}: {said}", file=sys.stderr, flush=True)

    return tell


def _simulate(options: argparse.Namespace) -> int:
    from lipsync_colab.batch.simulation import scaling, stages_of
    from lipsync_colab.batch.summary import summary_path

    path = summary_path(options.jobs)
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        stages = stages_of(summary)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{path.name}' holds no measured times ({error}): run the batch first") from error
    rows = scaling(stages)
    if options.json:
        print(json.dumps(rows))
        return 0
    print(f"simulated from {len(stages)} jobs, measured in {path.name}")
    print("workers  seconds  speed-up  efficiency")
    for row in rows:
        print(f"{row['workers']:7}  {row['seconds']:7.1f}  {row['speed_up']:7.1f}×  {row['efficiency']:9.0%}")
    return 0

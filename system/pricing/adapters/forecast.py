"""How much work waits: one figure, for the supervisor of workers, for metrics, and for whoever scales workers elsewhere."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.pricing.domain.fairness import BYTES_OF_TRIANGLE_ELSE, OVERHEAD

_SECONDS_ELSE = 2.5e-6
"""What a triangle takes where nothing was measured yet."""
_COST = f"({OVERHEAD} + coalesce(calculation.triangles, calculation.file_bytes / {BYTES_OF_TRIANGLE_ELSE}, 0))"
# By what a triangle took in the last fifty calculations; a model of nobody knows what size counts as a small one.
WORK_WAITING = f"""
    SELECT coalesce(sum({_COST}), 0) * coalesce(
        (SELECT sum(extract(epoch FROM finished_at - started_at)) / nullif(sum({_COST}), 0)
         FROM (SELECT * FROM calculation WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 50) AS calculation),
        {_SECONDS_ELSE}) AS value
    FROM procrastinate_jobs AS job
    LEFT JOIN calculation ON calculation.quote_id = CAST(job.args ->> 'quote_id' AS uuid)
    WHERE job.status = 'todo' AND job.queue_name = 'pricing'
      AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
"""  # noqa: S608 - of our own numbers


async def work_waiting_s(engine: AsyncEngine) -> float:
    """Seconds that one worker would need for what waits."""
    async with engine.connect() as connection:
        return float((await connection.execute(text(WORK_WAITING))).scalar_one())

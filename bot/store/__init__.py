"""The durable rest: tables, queries, migrations. SQL stands nowhere else."""

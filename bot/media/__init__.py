"""Files: the spool, what people upload, what comes out. Pillow stands nowhere else."""

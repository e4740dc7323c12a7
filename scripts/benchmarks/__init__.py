"""Measurements that anyone can repeat: data of the machine's own files, jobs, runs and tables."""

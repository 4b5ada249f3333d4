"""The bench: what the service reaches, as ratios taken side by side in one run."""

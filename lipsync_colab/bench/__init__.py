"""Measurements that compare two ways in one run: ratios hold on a noisy machine, single times do not."""

"""The gates that the embedded engine must pass on any face; see :mod:`lipsync_colab.bench.gates.run`."""

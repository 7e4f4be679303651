"""Steps and the rooms behind them.

::

    tasks/*.py           one doorway per step (the only place here that knows Prefect)
      ├─ science/        arrays in, arrays out
      ├─ catalog/        what exists, and opening it
      ├─ archive/        the Zarr cube
      ├─ products/       what others read
      └─ simulate/       scenes with known truth
           └─ sites · grid · model · errors   (shared words)

The five rooms never import each other; they meet in a step module.
"""

from . import Bank

BANK = Bank()

"""The known wrong ways of the toy exercises."""

from patchbook.checking import Mistake

double = (Mistake("not-doubled", lambda x: x, "the number comes back as it was.", "Multiply it by 2."),)

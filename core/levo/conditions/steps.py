"""How far hearing a recording has come, in steps; no torch, for the plan counts them too."""

READ = 1
"""The recording is read."""
SEPARATED = READ + 2
"""It is separated, in two steps."""
CODED = SEPARATED + 3
"""Mix, vocal and backing have their codes, a step each."""
HEARD = CODED + 3
"""And each its latents: all is heard."""

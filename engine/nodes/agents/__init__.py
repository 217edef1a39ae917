"""What stands inside an agent's step: the tools that it is offered, its turns, and the calls that it wants made.

Each is a step of its own, so that limits, approvals, crashes and the timeline treat it as any other.
"""

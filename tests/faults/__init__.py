"""Every border of a commit has a name; at each of them a process dies, a disk fails or an answer is lost, and nothing else is."""

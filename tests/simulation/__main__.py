"""Plays histories: `python -m tests.simulation --seed 17` one of them, `--seeds 1000 --first 0` many; prints what came of them as JSON."""

import argparse
import json
import sys
from collections import Counter

from tests.simulation.simulation import play


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=100)
    arguments = parser.parse_args()
    seeds = [arguments.seed] if arguments.seed is not None else range(arguments.first, arguments.first + arguments.seeds)
    counted, failed = Counter[str](), 0
    for seed in seeds:
        outcome = play(seed)
        counted += outcome.counted
        failed += bool(outcome.breaches)
        if outcome.breaches or len(seeds) == 1:
            told = {"seed": seed, "digest": outcome.digest, "breaches": outcome.breaches[:20]}
            print(json.dumps(told, indent=1), f"replay: python -m tests.simulation --seed {seed}", flush=True)
    print(json.dumps({"histories": len(seeds), "failed": failed, **dict(sorted(counted.items()))}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Tests, and what several folders of them share: clocks, snapshots, proposals, foreign servers."""

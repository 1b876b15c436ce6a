"""Log files that nobody mapped → a settings file to start from, with a reason for each of its lines."""

from graphdet.proposing.guessing import Guess, Proposal, propose
from graphdet.proposing.layouts import LAYOUTS, Layout
from graphdet.proposing.looking import ColumnLook, FileLook
from graphdet.proposing.proposal_file import proposal_as_toml
from graphdet.proposing.surveying import look_at_files

__all__ = ["LAYOUTS", "ColumnLook", "FileLook", "Guess", "Layout", "Proposal", "look_at_files", "proposal_as_toml", "propose"]

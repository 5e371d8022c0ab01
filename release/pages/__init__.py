"""Pages that show what runs where, what every candidate's gates said, how we deliver, and what answers each complaint.

They show, and decide nothing: everything on them is read from the ledger, the pins and git, and a ledger that cannot be relied
upon is shown as that. Read `facts` (what is known), then `views`, `dossier`, `delivery`, `complaints_view` (how it is told),
then `site` (how it is written).
"""

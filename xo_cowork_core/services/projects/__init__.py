"""Projects: `files` opens their folders, `scaffold` makes one, `projects` lists and looks;
`todos`, `timeline`, `activity`, `stats` and `sessionslist` are the files of `.xo`, one each, and
`recorder` keeps those true from what turns tell. `template/` holds the scaffold's texts."""

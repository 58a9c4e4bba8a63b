/// This program's version, as `--version` and reports say it.
public let quintetVersion = "0.1.0"

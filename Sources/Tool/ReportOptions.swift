import ArgumentParser

/// How a command that ends with a report shows its work.
struct ReportOptions: ParsableArguments {
    @Flag(help: "Print the report as JSON, and no progress line.") var json = false
    @Flag(help: "No progress line.") var quiet = false

    var hidesProgress: Bool { json || quiet }
}

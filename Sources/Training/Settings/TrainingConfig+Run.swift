import QuintetFiles

extension TrainingConfig {
    /// The settings of a run: defaults, or with `resume` what the run was started with; then a file; then what was typed.
    ///
    /// - Throws: `TrainingError` for a wrong setting, `FileError` for a file that cannot be read.
    public static func forRun(_ run: String, resume: Bool, file: String?, given: [GivenSetting]) throws -> TrainingConfig {
        var config = resume ? try RunFolder.settings(of: run) ?? TrainingConfig() : TrainingConfig()
        if let file { try config.apply(yamlFile: file) }
        try config.apply(given, source: "command line")
        return config
    }

    /// A setting as it is typed, `NAME=VALUE`, the value read as in `run.yaml`.
    public static func typed(_ text: String) throws(TrainingError) -> GivenSetting {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw .badSetting("--set", source: "command line", line: nil, expected: "NAME=VALUE", found: quoted(text))
        }
        let value = text[text.index(after: equals)...].drop { $0 == " " }
        let read = try settings(inYAML: "x: \(value)", source: "command line")
        return GivenSetting(String(text[..<equals]), read.first?.value ?? .null)
    }
}

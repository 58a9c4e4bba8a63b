internal import QuintetFiles

/// The work of a scrub, fixed before it begins: units of input, and passes over them.
///
/// A unit is a stretch of an input file of about 16 MB, or a compressed file; its size depends on the input alone. A pass takes
/// steps up to and including the next one that compares documents (`CorpusStep`): what that step finds is applied at the start of
/// the following pass.
struct ScrubPlan: Sendable {
    struct Unit: Sendable, Equatable {
        var path: String
        /// Bytes of the file; nil for all of a compressed one.
        var range: Range<Int>?
        var size: Int
    }

    struct Pass: Sendable {
        /// The step whose verdicts are applied first.
        var opening: (any CorpusStep)?
        var steps: [any ScrubStep]
        /// The step that collects from what is left.
        var closing: (any CorpusStep)?
    }

    let units: [Unit]
    let passes: [Pass]
    let config: ScrubConfig

    init(_ source: String, _ config: ScrubConfig) throws {
        self.config = config
        passes = Self.passes(try config.make())
        units = try Self.units(source, config.unitBytes)
    }

    private static func passes(_ steps: [any ScrubStep]) -> [Pass] {
        var passes = [Pass(opening: nil, steps: [], closing: nil)]
        for step in steps {
            if let step = step as? any CorpusStep {
                passes[passes.count - 1].closing = step
                passes.append(Pass(opening: step, steps: [], closing: nil))
            } else {
                passes[passes.count - 1].steps.append(step)
            }
        }
        return passes
    }

    private static func units(_ source: String, _ unitBytes: Int) throws -> [Unit] {
        var units: [Unit] = []
        for file in try Document.files(source) {
            let size = try Folder.size(of: file)
            if try ByteStream.open(file).isCompressed {
                units.append(Unit(path: file, range: nil, size: size))
                continue
            }
            let count = max(1, (size + unitBytes - 1) / unitBytes)
            for i in 0..<count { units.append(Unit(path: file, range: (i * unitBytes)..<(i + 1 == count ? .max : (i + 1) * unitBytes), size: min(unitBytes, size - i * unitBytes))) }
        }
        return units
    }

    /// What has to be the same for work to be taken up again.
    var json: JSON {
        let rows = units.map { unit -> JSON in
            ["path": .string(unit.path), "start": JSON(unit.range?.lowerBound ?? -1), "size": JSON(unit.size)]
        }
        return ["format": 3, "version": .string(quintetVersion), "config": config.json, "units": .array(rows)]
    }

    /// The names of the stages in their order, for people who start each as a job of its own.
    var stages: [String] {
        var names: [String] = []
        for (index, pass) in passes.enumerated() {
            names.append("pass \(index)")
            if let step = pass.closing { names += ["compare \(type(of: step).name)", "combine \(type(of: step).name)"] }
        }
        return names + ["report"]
    }
}

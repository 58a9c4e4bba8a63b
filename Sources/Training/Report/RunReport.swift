public import QuintetFiles

/// The page a person opens after (or during) a run: `RUN/report.html`, one file that asks nobody for anything.
public struct RunReport: Sendable {
    public static let fileName = "report.html"

    public enum Status: Sendable, Equatable {
        case running
        case finished
        case stopped(String)
    }

    /// A number worth a big font.
    public struct Tile: Sendable, Equatable {
        public var label: String
        public var value: String
        public var note: String

        public init(_ label: String, _ value: String, note: String = "") {
            self.label = label
            self.value = value
            self.note = note
        }
    }

    /// A table of facts.
    public struct Section: Sendable, Equatable {
        public var title: String
        public var rows: [Row]

        public struct Row: Sendable, Equatable {
            public var name: String
            public var value: String
        }

        public init(_ title: String, _ rows: [(String, String)]) {
            self.title = title
            self.rows = rows.map { Row(name: $0.0, value: $0.1) }
        }
    }

    /// Bars side by side; shorter is better.
    public struct Comparison: Sendable, Equatable {
        public struct Bar: Sendable, Equatable {
            public var name: String
            public var value: Double
            public var isOurs: Bool

            public init(_ name: String, _ value: Double, isOurs: Bool = false) {
                self.name = name
                self.value = value
                self.isOurs = isOurs
            }
        }

        public var title: String
        public var note: String
        public var bars: [Bar]

        public init(_ title: String, note: String, bars: [Bar]) {
            self.title = title
            self.note = note
            self.bars = bars
        }
    }

    /// Text that a model wrote.
    public struct Sample: Sendable, Equatable {
        public var title: String
        /// What it was given; shown in another color.
        public var prompt: String
        public var text: String

        public init(_ title: String, prompt: String = "", text: String) {
            self.title = title
            self.prompt = prompt
            self.text = text
        }
    }

    public var title: String
    public var status: Status
    /// One line under the title.
    public var summary: String
    public var tiles: [Tile]
    public var comparison: Comparison?
    /// Rows of `RunLog`: the charts and the samples written while training come from them.
    public var rows: [JSONObject]
    /// Further samples, shown first.
    public var samples: [Sample]
    public var sections: [Section]
    /// Commands to go on with.
    public var nextSteps: [String]

    public init(
        title: String, status: Status, summary: String = "", tiles: [Tile] = [], comparison: Comparison? = nil, rows: [JSONObject] = [],
        samples: [Sample] = [], sections: [Section] = [], nextSteps: [String] = []
    ) {
        self.title = title
        self.status = status
        self.summary = summary
        self.tiles = tiles
        self.comparison = comparison
        self.rows = rows
        self.samples = samples
        self.sections = sections
        self.nextSteps = nextSteps
    }

    /// Writes the page into the run folder, whole or not at all.
    public func write(into run: String) throws(FileError) { try AtomicFile.write(Folder.join(run, Self.fileName), html()) }
}

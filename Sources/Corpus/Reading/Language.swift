/// A programming language: the endings of its files and the forms of its comments.
struct Language: Equatable, Sendable {
    let name: String
    let endings: [String]
    /// What begins a comment that runs to the end of its line.
    let line: [String]
    /// What opens and closes a comment block.
    let block: [[String]]

    init(_ name: String, _ endings: String, line: [String] = [], block: [[String]] = []) {
        self.name = name
        self.endings = endings.split(separator: " ").map(String.init)
        self.line = line
        self.block = block
    }

    static func ending(_ ending: String) -> Language? { byEnding[ending] }

    /// Languages of files that are known by their whole name.
    static func named(_ name: String) -> Language? {
        switch name {
        case "Makefile", "makefile", "GNUmakefile": ending("mk")
        case "Dockerfile": ending("dockerfile")
        case "CMakeLists.txt": ending("cmake")
        default: nil
        }
    }

    /// The language of a script by its first line, as "#!/usr/bin/env -S python3 -u".
    static func interpreter(_ head: UnsafeRawBufferPointer) -> Language? {
        guard head.starts(with: [0x23, 0x21]) else { return nil }
        let line = String(decoding: head.dropFirst(2).prefix(200).prefix { $0 != 10 && $0 != 13 }, as: UTF8.self)
        for word in line.split(whereSeparator: { $0 == " " || $0 == "\t" }) where !word.hasPrefix("-") {
            let name = (word.split(separator: "/").last ?? "").prefix { $0.isLetter }.lowercased()
            if name == "env" { continue }
            return byInterpreter[name].flatMap { ending($0) }
        }
        return nil
    }

    /// The ending that files for an interpreter have.
    private static let byInterpreter = [
        "sh": "sh", "bash": "sh", "dash": "sh", "ash": "sh", "ksh": "sh", "zsh": "sh", "fish": "sh", "python": "py", "pypy": "py", "perl": "pl",
        "ruby": "rb", "node": "js", "nodejs": "js", "deno": "ts", "bun": "ts", "php": "php", "lua": "lua", "luajit": "lua", "swift": "swift",
        "rscript": "r", "julia": "jl", "runhaskell": "hs", "escript": "erl", "elixir": "ex", "make": "mk", "pwsh": "ps1",
    ]

    private static let byEnding: [String: Language] = {
        var table: [String: Language] = [:]
        for language in all { for ending in language.endings { table[ending] = language } }
        return table
    }()

    private static let c = [["/*", "*/"]]

    /// Every language that is read as source, one line each.
    static let all: [Language] = [
        Language("swift", "swift swiftinterface", line: ["//"], block: c),
        Language("c", "c h", line: ["//"], block: c),
        Language("c++", "cc cpp cxx hh hpp hxx ipp inl", line: ["//"], block: c),
        Language("objective-c", "m mm", line: ["//"], block: c),
        Language("cuda", "cu cuh", line: ["//"], block: c),
        Language("python", "py pyi", line: ["#"]),
        Language("javascript", "js mjs cjs jsx", line: ["//"], block: c),
        Language("typescript", "ts mts cts tsx", line: ["//"], block: c),
        Language("java", "java", line: ["//"], block: c),
        Language("kotlin", "kt kts", line: ["//"], block: c),
        Language("scala", "scala sc", line: ["//"], block: c),
        Language("go", "go", line: ["//"], block: c),
        Language("rust", "rs", line: ["//"], block: c),
        Language("c#", "cs", line: ["//"], block: c),
        Language("dart", "dart", line: ["//"], block: c),
        Language("zig", "zig", line: ["//"]),
        Language("php", "php", line: ["//", "#"], block: c),
        Language("ruby", "rb rake", line: ["#"], block: [["=begin", "=end"]]),
        Language("perl", "pl pm", line: ["#"]),
        Language("shell", "sh bash zsh fish", line: ["#"]),
        Language("powershell", "ps1 psm1", line: ["#"], block: [["<#", "#>"]]),
        Language("lua", "lua", line: ["--"], block: [["--[[", "]]"]]),
        Language("r", "r", line: ["#"]),
        Language("julia", "jl", line: ["#"], block: [["#=", "=#"]]),
        Language("haskell", "hs", line: ["--"], block: [["{-", "-}"]]),
        Language("ocaml", "ml mli", block: [["(*", "*)"]]),
        Language("elixir", "ex exs", line: ["#"]),
        Language("erlang", "erl hrl", line: ["%"]),
        Language("clojure", "clj cljs cljc", line: [";"]),
        Language("lisp", "lisp el scm", line: [";"]),
        Language("fortran", "f90 f95 f03", line: ["!"]),
        Language("sql", "sql", line: ["--"], block: c),
        Language("css", "css scss less", line: [], block: c),
        Language("cmake", "cmake", line: ["#"]),
        Language("make", "mk", line: ["#"]),
        Language("docker", "dockerfile", line: ["#"]),
        Language("protobuf", "proto", line: ["//"], block: c),
        Language("yaml", "yaml yml", line: ["#"]),
        Language("toml", "toml", line: ["#"]),
    ]
}

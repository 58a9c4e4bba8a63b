import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors
import QuintetTokenizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct ChatModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "Talk with a model in the terminal.",
        discussion: """
            Example:
              quintet chat ./model.gguf --system "Answer in one sentence."
              printf 'Hello\\nAnd now in French\\n' | quintet chat ./model

            Lines beginning with a slash are commands; /help lists them. Ctrl-C stops an answer, /quit or Ctrl-D leaves. From a pipe \
            each line is a message, and only answers are printed.
            """)

    @Argument(help: "A model folder in Hugging Face layout, or a .gguf file.") var model: String
    @Option(name: [.customLong("adapter"), .customLong("lora")], help: ArgumentHelp("An adapter to apply: a folder of PEFT's, or a GGUF file of one; may be given several times.", valueName: "adapter[=weight]"))
    var lora: [String] = []
    @Option(help: "What the model is to be.") var system: String?
    @Option(help: "Tokens of an answer at most.") var maxTokens = 1024
    @Option(help: "Tokens of the conversation at most (default: 4096, or what the model was made for).") var context: Int?
    @Option(help: "What the cache holds: f32, f16 or q8_0.", transform: cacheType(_:)) var cacheType = CacheType.f32
    @Option(help: "What products round activations to: f32 (nothing), bf16 (with weights in bf16), stored (the type of the weights, as llama.cpp does); default: f32 for a folder, stored for a GGUF file.", transform: arithmetic(_:))
    var arithmetic: FrozenArithmetic?
    @OptionGroup(title: "Sampling") var sampling: SamplingArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @Option(help: "End an answer before this text; may be given several times.") var stop: [String] = []
    @Option(help: "Threads to compute with.") var threads: Int?

    func run() throws {
        try useThreads(threads)
        let format = try output.format()
        var generator = try TextGenerator(try openModel(model, lora: lora, arithmetic))
        generator.cacheType = cacheType
        if !generator.hasChatTemplate { warn("this model has no chat template: messages are joined by newlines") }
        var options = GenerationOptions(
            maxTokens: maxTokens, context: context, sampling: sampling.options(generator.defaults.sampling), stops: stop)
        options.format = format
        options.draft = try output.draft(for: generator)
        let chat = try ChatSession(generator, options: options)
        chat.system = system
        var terminal = ChatTerminal(chat)
        try terminal.run()
    }
}

/// The conversation at a terminal or through a pipe.
private struct ChatTerminal {
    private let chat: ChatSession
    private var input = LineInput()
    private var lines = ChatLines()
    private let isTerminal = isatty(0) != 0

    init(_ chat: ChatSession) { self.chat = chat }

    /// - Throws: `FileError` for a line of a pipe that is no UTF-8; at a terminal it is said, and the line is not sent.
    mutating func run() throws(FileError) {
        Interrupt.install()
        if isTerminal { say("/help lists the commands.") }
        while true {
            if isTerminal { emit(lines.isWaiting ? "… " : "> ") }
            switch input.next() {
            case .line(let line): if let message = lines.take(line), !obey(message) { return }
            case .wrong(let error):
                guard isTerminal else { throw error }
                warn("\(error)")
            case .interrupted:
                lines.clear()
                emit("\n")
                say("/quit leaves.")
            case .end:
                if let message = lines.finish() { _ = obey(message) }
                if isTerminal { emit("\n") }
                return
            }
        }
    }

    /// Does what a message asks for; false where that is to leave.
    private func obey(_ message: String) -> Bool {
        switch ChatCommand(message) {
        case .say(let text): if text.contains(where: { !$0.isWhitespace }) { answer(text) }
        case .reset:
            chat.reset()
            say("A new conversation.")
        case .system(let text?):
            chat.system = text
            say("A new conversation with this system message.")
        case .system(nil): say(chat.system ?? "There is no system message.")
        case .save(let path): attempt { try chat.save(to: path) } done: { "Saved \(chat.messages.count) messages." }
        case .load(let path): attempt { try chat.load(from: path) } done: { "Loaded \(chat.messages.count) messages." }
        case .help: say(ChatCommand.helpText)
        case .wrong(let what): say(what)
        case .quit: return false
        }
        return true
    }

    private func answer(_ text: String) {
        Interrupt.take()
        attempt {
            _ = try chat.reply(to: text, shouldStop: { Interrupt.isPending }) { emit($0) }
        } done: { nil }
        emit("\n")
        if Interrupt.take(), isTerminal { say("(stopped)") }
    }

    private func attempt(_ work: () throws -> Void, done: () -> String?) {
        do {
            try work()
            if let text = done() { say(text) }
        } catch {
            warn("\(error)")
        }
    }

    /// A word to the person, beside the conversation.
    private func say(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(2, line, line.count)
    }
}

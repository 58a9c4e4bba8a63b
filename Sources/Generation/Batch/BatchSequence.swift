import QuintetTokenizers

/// A text in the making: what was read, what was chosen, and how its next token is.
///
/// It owns everything that a step needs besides the cache, so it can leave the batch and come back and go on with the same bits.
final class BatchSequence {
    let number: UInt64
    let request: BatchRequest
    /// Prompt and new tokens.
    private(set) var ids: [Int32]
    /// Tokens that were there as a whole when its reading began: angles that depend on the length are fixed for them.
    private(set) var known: Int
    /// Positions whose keys and values are in the cache.
    var cached = 0
    /// Where in the cache it lies, while it runs.
    var slot: Int?
    private(set) var isStarted = false
    private var writer: TextWriter
    private var chooser: TokenChooser
    private let tell: @Sendable (BatchEvent) -> Void
    private let limit: Int

    init(
        _ number: UInt64, _ request: BatchRequest, _ tokenizer: Tokenizer, vocabulary: Int, context: Int,
        _ tell: @escaping @Sendable (BatchEvent) -> Void
    ) {
        self.number = number
        self.request = request
        self.tell = tell
        ids = request.prompt
        known = request.prompt.count
        limit = min(context, request.prompt.count + request.options.maxTokens)
        writer = TextWriter(tokenizer, prompt: request.prompt, stops: request.options.stops)
        chooser = TokenChooser(request.options, sampling: .greedy, constraint: request.constraint, vocabulary: vocabulary)
        for id in request.prompt { chooser.accept(id) }
    }

    /// Tokens that still have to be read before the next one can be chosen.
    var unread: Int { ids.count - cached }
    var newTokens: Int { ids.count - request.prompt.count }

    /// Reads everything again once the text has grown past a length at which everything is turned by other angles.
    func reread(past length: Int) {
        guard known <= length, ids.count > length, cached > 0 else { return }
        known = ids.count
        cached = 0
    }

    func start(cachedTokens: Int) {
        if !isStarted { tell(.started(cachedTokens: cachedTokens)) }
        isStarted = true
    }

    /// Chooses the next token from its logits and hands out its text; what ends the sequence where that was the last one.
    func choose(_ logits: UnsafeMutableBufferPointer<Float>, _ generator: TextGenerator) -> BatchEvent? {
        for (id, bias) in request.bias where id >= 0 && Int(id) < logits.count { logits[Int(id)] += bias }
        let id: Int32
        do { id = try chooser.next(logits) } catch {
            return .failed(.refused(OptionError(option: "format", expected: "a text that this model can spell", found: "\(error)")))
        }
        if chooser.isBroken { return .failed(.damaged(generator.brokenNumbers(at: ids.count))) }
        ids.append(id)
        var text = writer.append(id)
        let reason = reason(after: id)
        if reason != nil { text += writer.finish() }
        tell(.token(BatchToken(id: id, text: text, logprobs: chooser.logprobs.last, moment: .now)))
        return reason.map { .finished($0) }
    }

    private func reason(after id: Int32) -> FinishReason? {
        if request.ends.contains(Int(id)), !request.options.ignoresEnd { return .stop }
        if writer.stopped || chooser.isComplete { return .stop }
        return ids.count >= limit ? .length : nil
    }

    func end(_ event: BatchEvent) { tell(event) }
}

import QuintetLayers

extension TextGenerator {
    /// Continues a prompt `count` times, each time with random numbers of its own (`stream` 0, 1, ...); the prompt is read once.
    ///
    /// `onText` hears which text it is and the next piece, `onEnd` the whole of each.
    /// - Throws: as `generate`.
    public func generate(
        _ prompt: [Int32], count: Int, options: GenerationOptions, onText: (_ text: Int, _ piece: String) throws -> Void = { _, _ in },
        onEnd: (GenerationResult) throws -> Void
    ) throws {
        let context = options.context ?? model.spec.context
        try options.validate(promptTokens: prompt.count, context: context, in: model.spec)
        let session = try GenerationSession(model, capacity: min(context, prompt.count + options.maxTokens), cacheType: cacheType)
        var options = options
        for text in 0..<count {
            // The last token is read anew, for its logits.
            try session.keep(min(session.count, prompt.count - 1))
            options.stream = UInt64(text)
            try onEnd(try generate(prompt, in: session, options: options) { try onText(text, $0) })
        }
    }
}

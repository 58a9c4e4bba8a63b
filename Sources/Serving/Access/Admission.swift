import QuintetFiles

/// Who may hand in a request now: a bound for each key, and one on the prompts that wait, before anything is tokenized.
final class Admission: Sendable {
    private struct State: ~Copyable {
        var perTenant: [String: Int] = [:]
        var promptTokens = 0
        var isDraining = false
    }
    private let state = Guarded(State())
    private let promptTokens: Int

    init(promptTokens: Int) { self.promptTokens = promptTokens }

    var isDraining: Bool { state.withLock { $0.isDraining } }
    var active: Int { state.withLock { $0.perTenant.values.reduce(0, +) } }

    func drain() { state.withLock { $0.isDraining = true } }

    /// Lets a request in or says why not. `tokens` is an upper estimate from the body's length.
    func enter(_ tenant: Tenant, tokens: Int) throws(APIError) -> Ticket {
        let refusal = state.withLock { state -> APIError? in
            if state.isDraining { return .draining }
            let active = state.perTenant[tenant.name, default: 0]
            if let limit = tenant.limit, active >= limit { return .tooMany("this key has \(active) requests at once, as many as it may") }
            if state.promptTokens > 0, state.promptTokens + tokens > promptTokens { return .overloaded("the prompts that wait are as many as fit") }
            state.perTenant[tenant.name] = active + 1
            state.promptTokens += tokens
            return nil
        }
        if let refusal { throw refusal }
        return Ticket(self, tenant.name, tokens)
    }

    fileprivate func leave(_ tenant: String, _ tokens: Int) {
        state.withLock { state in
            let left = state.perTenant[tenant, default: 1] - 1
            state.perTenant[tenant] = left > 0 ? left : nil
            state.promptTokens -= tokens
        }
    }

    /// A request's place; it is free again when the ticket goes.
    final class Ticket: Sendable {
        private let admission: Admission
        private let tenant: String
        private let tokens: Int

        init(_ admission: Admission, _ tenant: String, _ tokens: Int) {
            self.admission = admission
            self.tenant = tenant
            self.tokens = tokens
        }

        deinit { admission.leave(tenant, tokens) }
    }
}

/// Whom a request is from.
struct Tenant: Sendable, Equatable {
    let name: String
    let limit: Int?

    /// Everybody, where no keys are asked for.
    static let anybody = Tenant(name: "", limit: nil)
}

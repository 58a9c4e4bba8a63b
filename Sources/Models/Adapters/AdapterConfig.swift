/// What an adapter is: its rank and scale, which of a model's matrices it changes, and what it keeps beside them; adapter_config.json as a value.
///
///     AdapterConfig(rank: 16, alpha: 32, targets: .names(["q_proj", "v_proj"]))
public struct AdapterConfig: Sendable, Equatable {
    public var rank: Int
    public var alpha: Double
    /// Share of the input's elements that training hides from A.
    public var dropout: Float
    public var scaling: Scaling
    public var form: Form
    public var targets: Targets
    /// Matrices that are left alone though a target names them.
    public var excluded: Targets?
    /// Ranks (alphas) of modules whose name, or the end of whose name, the regex matches; the first one counts.
    public var rankPattern: [Pattern<Int>] = []
    public var alphaPattern: [Pattern<Double>] = []
    /// Layers that are changed, all where nil; `layersPattern` names the list of layers they are counted in.
    public var layers: [Int]?
    public var layersPattern: [String] = []
    public var bias: Bias
    /// Modules that are kept whole beside the adapter: `embed_tokens`, `lm_head`, `score`.
    public var savedModules: [String]
    /// What the base calls itself.
    public var baseModel: String?
    /// CAUSAL_LM, SEQ_CLS, TOKEN_CLS; nil where nobody says.
    public var taskType: String?

    public init(
        rank: Int = 16, alpha: Double = 32, dropout: Float = 0, scaling: Scaling = .standard, form: Form = .lora, targets: Targets = .allLinear,
        excluded: Targets? = nil, layers: [Int]? = nil, bias: Bias = .none, savedModules: [String] = [], baseModel: String? = nil,
        taskType: String? = "CAUSAL_LM"
    ) {
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.scaling = scaling
        self.form = form
        self.targets = targets
        self.excluded = excluded
        self.layers = layers
        self.bias = bias
        self.savedModules = savedModules
        self.baseModel = baseModel
        self.taskType = taskType
    }

    /// How strong B A counts.
    public enum Scaling: String, Sendable, CaseIterable {
        /// alpha / rank.
        case standard
        /// alpha / sqrt(rank) (Kalajdzievski 2023, rsLoRA).
        case rankStabilized

        public func factor(alpha: Double, rank: Int) -> Double {
            switch self {
            case .standard: alpha / Double(rank)
            case .rankStabilized: alpha / Double(rank).squareRoot()
            }
        }
    }

    public enum Form: String, Sendable, CaseIterable {
        /// Hu et al. 2021.
        case lora
        /// With a learned length for each row (Liu et al. 2024).
        case dora
    }

    /// Which matrices are changed, by the names of the reference's modules.
    public enum Targets: Sendable, Equatable {
        /// Every linear map but the head.
        case allLinear
        /// Whole names of modules, or their ends: `q_proj`.
        case names([String])
        /// A regex over whole names.
        case pattern(String)
    }

    /// Whether biases learn too.
    public enum Bias: String, Sendable, CaseIterable {
        case none
        /// Those of the changed matrices.
        case adapted = "lora_only"
        case all
    }

    /// A value for the modules that a regex matches.
    public struct Pattern<Value: Sendable & Equatable>: Sendable, Equatable {
        public var regex: String
        public var value: Value

        public init(_ regex: String, _ value: Value) {
            self.regex = regex
            self.value = value
        }
    }
}

"""Functions and methods of torch that give exactly one tensor, as data; a test asks torch for their schemas."""

from __future__ import annotations

# Functions of `torch` that make a tensor of numbers, sizes or other things than tensors.
CREATORS = frozenset(
    """
    arange as_tensor bartlett_window blackman_window empty eye from_numpy full hamming_window hann_window kaiser_window
    linspace logspace normal ones rand randint randn randperm range scalar_tensor tensor tril_indices triu_indices zeros
    """.split()
)

# The old constructors, which are classes.
CONSTRUCTORS = frozenset(
    """
    BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor ShortTensor Tensor
    """.split()
)

# Functions of `torch` that make a tensor of tensors.
OPERATIONS = frozenset(
    """
    abs add argmax argmin block_diag cartesian_prod cat ceil clamp clone complex concat cos cosh cross cumprod cumsum
    deg2rad diag diag_embed diagonal diff div empty_like exp flatten flip float_power floor full_like gather ger hstack
    index_select inverse kron log log10 log2 matmul maximum mean minimum mm mul neg norm ones_like outer permute polar
    pow prod rad2deg rand_like randint_like randn_like reciprocal relu repeat_interleave reshape roll round rsqrt
    sigmoid sign sin sinh softmax sqrt square squeeze stack std sub sum take tan tanh tile transpose tril triu unsqueeze
    vander var vstack zeros_like
    """.split()
)

# Methods of a tensor that give one of its own.
METHODS = frozenset(
    """
    abs add add_ argmax argmin bernoulli_ bfloat16 bool byte ceil char clamp clamp_ clone contiguous copy_ cos cosh cpu
    cuda cumprod cumsum detach diag diagonal div div_ double exp exp_ expand expand_as fill_ flatten flip float floor
    half index_fill_ index_select int inverse log log10 log2 long masked_fill masked_fill_ matmul mean mm mul mul_
    narrow neg new_empty new_full new_ones new_tensor new_zeros norm normal_ permute pin_memory pow pow_ prod random_
    reciprocal relu repeat repeat_interleave reshape roll round rsqrt scatter_ short sigmoid sign sin sinh softmax sqrt
    square squeeze std sub sub_ sum t tan tanh to transpose transpose_ tril triu type_as unfold uniform_ unsqueeze
    unsqueeze_ var view view_as zero_
    """.split()
)

# Methods whose result may be the tensor itself or share its memory; so may an index.
VIEWS = frozenset(
    """
    bfloat16 bool byte char contiguous cpu cuda detach diagonal double expand expand_as flatten float half int long
    narrow permute reshape short squeeze t to transpose type_as unfold unsqueeze view view_as
    """.split()
)

# Dtypes and methods after which a tensor is no floating-point one, so that `half()` leaves it alone.
INTEGERS = frozenset(
    """
    BoolTensor ByteTensor CharTensor IntTensor LongTensor ShortTensor argmax argmin bool byte char int int16 int32 int64
    int8 long randint randperm short tril_indices triu_indices uint8
    """.split()
)

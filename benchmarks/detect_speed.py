"""Speed and memory of `au detect`, whole process, on clips joined to two lengths.

The 640x480 clips of a folder are decoded and joined, again and again, into an H.264 video of at least
``--frames`` frames; its packets are repeated ten times for the second length. Each run is one command
`au detect VIDEO`, with its imports, the model's load and the table; the best of ``--runs`` counts, because
other work on the machine can only slow a run down; the slowest is told beside it. As an alternative, a loop
that looks for the face in every whole frame with the same detector, points, crops and model, one after the
other, runs on a part of it.

    python benchmarks/detect_speed.py FOLDER_OF_CLIPS [--runs 3] [--model FILE] [--landmarks own]
        [--out RESULT.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

FRAME_RATE = 30
#: How often the memory is looked at: about 40 times in the shortest run.
LOOK_S = 0.05


@dataclass(frozen=True)
class Measurement:
    """One command on one video, the best run; the slowest run is named, too.

    The memory is that of all processes of the command together, what they share counted once (PSS).
    """

    what: str
    frames: int
    seconds: float
    frames_per_s: float
    slowest_frames_per_s: float
    cores_used: float
    peak_mib: float


def _clip_frames(clips: Sequence[Path]) -> Iterator[av.VideoFrame]:
    while True:
        for clip in clips:
            with av.open(str(clip)) as container:
                yield from container.decode(video=0)


def join(clips: Sequence[Path], path: Path, frames: int) -> None:
    """Encode the clips one after the other until there are that many frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": "20", "preset": "medium"})
        stream.pix_fmt = "yuv420p"
        for index, frame in enumerate(islice(_clip_frames(clips), frames)):
            if index == 0:
                stream.width, stream.height = frame.width, frame.height
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            frame.pict_type = av.video.frame.PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def repeat(source: Path, path: Path, times: int) -> None:
    """The packets of a video that many times, one after the other, not encoded anew."""
    with av.open(str(path), "w") as target:
        copy = None
        shift = 0
        for _ in range(times):
            with av.open(str(source)) as container:
                stream = container.streams.video[0]
                copy = copy or target.add_stream_from_template(stream)
                length = 0
                for packet in container.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    length = max(length, packet.pts + packet.duration)
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, copy
                    target.mux(packet)
                shift += length


def _memory_kib(process_id: int) -> int:
    """Of a process and those that it started (Linux); 0 of one that has just ended."""
    try:
        parts = Path(f"/proc/{process_id}/smaps_rollup").read_text().split()
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = int(parts[parts.index("Pss:") + 1]) if "Pss:" in parts else 0
    return own + sum(_memory_kib(int(child)) for child in children)


def _seconds(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and CPU seconds of a command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _peak_mib(command: Sequence[str]) -> float:
    """In a run of its own, because looking at the memory takes time."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory_kib(process.pid))
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_S)
    return peak / 1024


def measure(what: str, command: Sequence[str], frames: int, runs: int) -> Measurement:
    """Run a command several times."""
    done = sorted(_seconds(command) for _ in range(runs))
    wall, cpu = done[0]
    return Measurement(
        what, frames, wall, frames / wall, frames / done[-1][0], cpu / wall, _peak_mib(command)
    )


def naive(video: Path, model: str | None, landmarks: str | None, frames: int) -> Measurement:
    """Detector on every whole frame, points, crop and model one after the other, in this process."""
    from actionunits.detect.backends import load_backend
    from actionunits.faces.align import align_for
    from actionunits.faces.batch import collate, sample_of
    from actionunits.faces.detect import make_detector
    from actionunits.faces.landmarks import find_landmarks
    from actionunits.faces.video import open_source

    start, cpu = time.perf_counter(), time.process_time()
    backend, detector = load_backend(model), make_detector("hog")
    for frame in islice(open_source(video), frames):
        for face in detector.find(frame.grey)[:1]:
            points = find_landmarks(frame.grey, face, landmarks or backend.spec.landmarks)
            crop = align_for(backend.spec, frame, points)
            backend.predict(collate([sample_of([crop], [points], backend.spec)], backend.spec))
    wall = time.perf_counter() - start
    cores = (time.process_time() - cpu) / wall
    return Measurement("naive loop", frames, wall, frames / wall, frames / wall, cores, float("nan"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--model")
    parser.add_argument("--landmarks", choices=("own", "dlib"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    clips = sorted(path for path in options.clips.iterdir() if path.suffix in (".mkv", ".mp4", ".mov"))
    extra = ["--model", options.model] if options.model else []
    extra += ["--landmarks", options.landmarks] if options.landmarks else []
    results = []
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder, "short.mp4"), Path(folder, "long.mp4")
        join(clips, short, options.frames)
        repeat(short, long, 10)
        for path, frames, runs in ((short, options.frames, options.runs), (long, 10 * options.frames, 1)):
            command = [sys.executable, "-m", "actionunits", "detect", str(path), "--out", folder, *extra]
            results.append(measure(f"au detect, {path.stem}", command, frames, runs))
            print(results[-1], flush=True)
        results.append(naive(short, options.model, options.landmarks, min(200, options.frames)))
        print(results[-1])
    facts = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    if options.out:
        text = json.dumps({"facts": facts, "results": [asdict(result) for result in results]}, indent=1)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

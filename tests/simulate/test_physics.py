"""Path lengths, attenuation, scatter, noise and blur against closed forms."""

import numpy as np
import pytest

from analysis.simulate import physics
from analysis.simulate.mesh import box, ellipsoid, rod
from analysis.simulate.projection import Beam, add_depth

BEAM = Beam(rows=61, columns=81, pixel=0.5, distance=1000.0)


def path(mesh, beam=BEAM):
    """Millimetres inside a solid along each ray."""
    depth = np.zeros((beam.rows, beam.columns), np.float32)
    add_depth(depth, mesh, beam)
    # Faces that turn outwards in (x, y, z) turn inwards in the beam's mirrored coordinates.
    return -depth * beam.obliquity()


def positions(beam):
    """Where each pixel lies in the plane of the origin, mm right and up."""
    x = beam.right + (np.arange(beam.columns) - (beam.columns - 1) / 2) * beam.pixel
    y = beam.up - (np.arange(beam.rows) - (beam.rows - 1) / 2) * beam.pixel
    return np.meshgrid(x, y)


@pytest.mark.parametrize("beam", [BEAM, Beam(61, 81, 0.5, 900.0, right=60.0, up=-45.0)])
def test_a_slab_is_as_thick_as_the_slant_of_the_ray_makes_it(beam):
    slab = box([0, 0, 12], [400, 400, 10])
    x, y = positions(beam)
    slant = np.sqrt(1 + (x**2 + y**2) / beam.distance**2)
    assert path(slab, beam) == pytest.approx(20 * slant, rel=2e-4)


@pytest.mark.parametrize("centre", [[0, 0, 0], [4, -3, 60]])
def test_a_sphere_is_crossed_by_chords(centre):
    radius = 11.0
    x, y = positions(BEAM)
    ray = np.stack([x, y, np.full(x.shape, BEAM.distance)], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    to_centre = np.array(centre, float) + [0, 0, BEAM.distance]  # from the source
    off = np.linalg.norm(np.cross(ray, to_centre), axis=-1)
    chord = 2 * np.sqrt(np.clip(radius**2 - off**2, 0, None))
    found = path(ellipsoid(centre, [radius] * 3, rings=60, sides=90))
    assert np.abs(found - chord)[off < 0.97 * radius].max() < 0.1  # the mesh lies a little within the sphere
    assert (found[off > radius + 0.2] == 0).all()


def test_a_hollow_and_a_concave_solid_count_what_is_inside_only():
    outer, inner = box([0, 0, 0], [8, 8, 8]), box([0, 0, 0], [5, 5, 5])
    shell = path(outer) - path(inner)
    assert shell[30, 40] == pytest.approx(6, abs=1e-3)
    ring = [rod([-12, y, z], [12, y, z], 2.0, sides=64) for y, z in ((0, -20), (0, 20))]
    assert sum(path(one)[30, 40] for one in ring) == pytest.approx(8, rel=0.01)


@pytest.mark.parametrize(("material", "mm"), [("muscle", 120.0), ("bone", 15.0), ("titanium", 4.0), ("fat", 0.0)])
def test_beer_lambert_for_a_slab(material, mm):
    weights = physics.spectrum(65.0)
    expected = sum(w * np.exp(-mm * mu) for w, mu in zip(weights, physics.attenuation(material), strict=True))
    found = physics.transmission({material: np.full((2, 3), mm, np.float32)}, 65.0)
    assert found == pytest.approx(np.full((2, 3), expected), rel=1e-4)


def test_layers_multiply_at_one_energy_and_the_beam_hardens_over_many():
    lengths = {"muscle": np.float32([[80]]), "bone": np.float32([[10]])}
    low = 35.0  # only quanta of 30 keV are below it
    apart = [physics.transmission({name: value}, low).item() for name, value in lengths.items()]
    assert physics.transmission(lengths, low).item() == pytest.approx(np.prod(apart), rel=1e-5)
    thin, thick = (physics.transmission({"bone": np.float32([[mm]])}, 70.0).item() for mm in (1, 40))
    assert -np.log(thick) / 40 < 0.9 * -np.log(thin)  # the soft quanta are gone


def test_the_denser_absorbs_more_and_a_higher_voltage_goes_further():
    def through(material, voltage=65.0, mm=5.0):
        return physics.transmission({material: np.float32([[mm]])}, voltage).item()

    order = ["carbon", "bone", "titanium", "steel"]
    assert all(through(a) > through(b) for a, b in zip(order, order[1:], strict=False))
    assert through("fat") > through("muscle") > through("bone")
    assert through("bone", 70) > through("bone", 60)
    assert physics.spectrum(62.0).sum() == pytest.approx(1)


def test_scatter_lifts_the_level_and_veils_the_contrast():
    flat = np.full((60, 60), 0.3, np.float32)
    assert physics.scattered(flat, 0.5, 1.0) == pytest.approx(0.45 * np.ones((60, 60)), rel=1e-3)
    small = flat.copy()
    small[28:32, 28:32] = 0.15  # a body much smaller than the veil
    veiled = physics.scattered(small, 0.5, 1.0)
    contrast = 1 - veiled[30, 30] / veiled[30, 10]
    assert contrast == pytest.approx(0.5 / 1.5, abs=0.02)


@pytest.mark.parametrize("blur", [0.1, 0.8])
def test_noise_is_quantum_noise(blur):
    """Its SD goes with the root of the signal and falls with the root of the exposure."""
    rng = np.random.default_rng(5)

    def noise(signal, quanta):
        return physics.detected(np.full((300, 300), signal, np.float32), rng, quanta, blur)[20:-20, 20:-20].std()

    base = noise(0.2, 2000)
    assert noise(0.2, 8000) == pytest.approx(base / 2, rel=0.05)
    assert noise(0.8, 2000) == pytest.approx(base * 2, rel=0.05)
    if blur < 0.5:
        assert base == pytest.approx(np.sqrt(0.2 / 2000), rel=0.1)


@pytest.mark.parametrize("blur", [0.7, 1.5, 3.0])
def test_unsharpness_is_the_detector_s(blur):
    """The derivative of an edge is the line spread; its SD is what was asked for."""
    edge = np.where(np.arange(80) < 40, 0.1, 0.9).astype(np.float32)
    seen = physics.detected(np.tile(edge, (40, 1)), np.random.default_rng(1), 1e12, blur)[20]
    spread = np.diff(seen.astype(float))
    spread /= spread.sum()
    x = np.arange(len(spread))
    mean = (x * spread).sum()
    assert mean == pytest.approx(39, abs=0.05)
    assert np.sqrt(((x - mean) ** 2 * spread).sum()) == pytest.approx(blur, rel=0.08)


def test_the_denser_is_shown_the_whiter():
    wedge = np.exp(-np.linspace(1.5, 5.0, 100)).astype(np.float32)
    image = physics.displayed(np.tile(wedge, (50, 1)), np.ones((50, 100), bool), 1.0, 1.0, 0.0, 0.0)
    assert (np.diff(image[25]) > 0).all()
    assert image[25, 0] < 0.2 and image[25, -1] > 0.8

"""What images exist and how to open them: catalogues in, scene records and pixels out.

Knows STAC in its three shapes (API, static files, stac-geoparquet) and GeoTIFF. Knows
nothing of archives, detectors or Prefect.
"""

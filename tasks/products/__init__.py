"""What others read: tables, the series cube, the page, and the manifest that ties them to their inputs.

A publication is a folder that is written aside and swapped in whole. Knows nothing of images.
"""

"""Pictures and videos to aligned faces.

``video`` gives the frames, ``detect`` finds faces, ``landmarks`` their 68 points, ``track`` follows them from
frame to frame, ``align`` cuts them out, ``regions`` says where each AU shows, ``flow`` how they move, and
``batch`` makes of it what a model is fed. Import from these modules; this one loads nothing.
"""

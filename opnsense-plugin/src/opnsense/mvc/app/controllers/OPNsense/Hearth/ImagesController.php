<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\IndexController;

class ImagesController extends IndexController
{
    public function indexAction()
    {
        Modules::give($this->view);
        $this->view->formDialogImage = $this->getForm('dialogImage');
        $this->view->pick('OPNsense/Hearth/images');
    }
}
